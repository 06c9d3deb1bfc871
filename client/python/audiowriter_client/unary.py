"""The unary calls, sync and asyncio."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import grpc
import grpc.aio
from audiowriter.v1.audio_writer_pb2 import (
    EncodeRequest,
    EncodeResponse,
    FormatInfo,
    GetServerInfoRequest,
    GetServerInfoResponse,
    ListFormatsRequest,
    Marker,
    ResolveConfigRequest,
    StreamConfig,
    StreamStarted,
)
from google.protobuf.message import Message

from audiowriter_client.config import check_config
from audiowriter_client.connection import Metadata, check_arguments, connect, connect_aio, service
from audiowriter_client.crc32c import crc32c
from audiowriter_client.errors import call_failed
from audiowriter_client.pcm import Pcm, PcmLayout
from audiowriter_client.received import check_file
from audiowriter_client.retry import Deadline, is_refusal, waits


def encode(
    target: str | grpc.Channel,
    config: StreamConfig,
    pcm: Pcm,
    *,
    markers: Iterable[Marker] = (),
    credentials: grpc.ChannelCredentials | None = None,
    metadata: Metadata = (),
    timeout: float | None = None,
) -> bytes:
    """Encode short audio in one call and return the file.

    PCM and file are each limited by the server's message limit, 4 MiB by default: use AudioWriter for more. `target`,
    `credentials` and `metadata` are as for AudioWriter.open, `pcm` as for AudioWriter.write, and `markers` as for
    AudioWriter.describe. A call that a server refuses is sent to the next one, in at most ten attempts; a call whose
    connection breaks is not repeated. `timeout` limits the whole call, in seconds: the connection, all attempts and the
    answer. Raises AudioWriterError, and DeadlineExceeded when the timeout expires.
    """
    check_arguments(target, grpc.Channel, credentials, metadata)
    deadline = Deadline(timeout)
    request = _request(config, pcm, markers)
    with connect(target, credentials) as channel:
        return _file(_call(service(channel).Encode, request, metadata, deadline))


async def async_encode(
    target: str | grpc.aio.Channel,
    config: StreamConfig,
    pcm: Pcm,
    *,
    markers: Iterable[Marker] = (),
    credentials: grpc.ChannelCredentials | None = None,
    metadata: Metadata = (),
    timeout: float | None = None,  # noqa: ASYNC109 - the deadline of the call, which gRPC also sends to the server
) -> bytes:
    """Like encode(), for asyncio."""
    check_arguments(target, grpc.aio.Channel, credentials, metadata)
    deadline = Deadline(timeout)
    request = _request(config, pcm, markers)
    async with connect_aio(target, credentials) as channel:
        return _file(await _async_call(service(channel).Encode, request, metadata, deadline))


def list_formats(
    target: str | grpc.Channel,
    *,
    credentials: grpc.ChannelCredentials | None = None,
    metadata: Metadata = (),
    timeout: float | None = None,
) -> Sequence[FormatInfo]:
    """Return the formats of the server with their settings. The arguments and errors are as for encode()."""
    check_arguments(target, grpc.Channel, credentials, metadata)
    deadline = Deadline(timeout)
    with connect(target, credentials) as channel:
        response = _call(service(channel).ListFormats, ListFormatsRequest(), metadata, deadline)
    formats: Sequence[FormatInfo] = response.formats
    return formats


async def async_list_formats(
    target: str | grpc.aio.Channel,
    *,
    credentials: grpc.ChannelCredentials | None = None,
    metadata: Metadata = (),
    timeout: float | None = None,  # noqa: ASYNC109 - the deadline of the call, which gRPC also sends to the server
) -> Sequence[FormatInfo]:
    """Like list_formats(), for asyncio."""
    check_arguments(target, grpc.aio.Channel, credentials, metadata)
    deadline = Deadline(timeout)
    async with connect_aio(target, credentials) as channel:
        response = await _async_call(service(channel).ListFormats, ListFormatsRequest(), metadata, deadline)
    formats: Sequence[FormatInfo] = response.formats
    return formats


def resolve_config(
    target: str | grpc.Channel,
    config: StreamConfig,
    *,
    credentials: grpc.ChannelCredentials | None = None,
    metadata: Metadata = (),
    timeout: float | None = None,
) -> StreamStarted:
    """Return what a stream with this config would start with: all defaults filled in, and the delay.

    The arguments and errors are as for encode(). InvalidArgument lists all bad fields.
    """
    deadline = Deadline(timeout)
    with connect(target, credentials) as channel:
        response = _call(service(channel).ResolveConfig, ResolveConfigRequest(config=config), metadata, deadline)
    started: StreamStarted = response.started
    return started


async def async_resolve_config(
    target: str | grpc.aio.Channel,
    config: StreamConfig,
    *,
    credentials: grpc.ChannelCredentials | None = None,
    metadata: Metadata = (),
    timeout: float | None = None,  # noqa: ASYNC109 - the deadline of the call, which gRPC also sends to the server
) -> StreamStarted:
    """Like resolve_config(), for asyncio."""
    deadline = Deadline(timeout)
    request = ResolveConfigRequest(config=config)
    async with connect_aio(target, credentials) as channel:
        response = await _async_call(service(channel).ResolveConfig, request, metadata, deadline)
    started: StreamStarted = response.started
    return started


def get_server_info(
    target: str | grpc.Channel,
    *,
    credentials: grpc.ChannelCredentials | None = None,
    metadata: Metadata = (),
    timeout: float | None = None,
) -> GetServerInfoResponse:
    """Return the version and the limits of the server. The arguments and errors are as for encode()."""
    deadline = Deadline(timeout)
    with connect(target, credentials) as channel:
        info: GetServerInfoResponse = _call(service(channel).GetServerInfo, GetServerInfoRequest(), metadata, deadline)
    return info


async def async_get_server_info(
    target: str | grpc.aio.Channel,
    *,
    credentials: grpc.ChannelCredentials | None = None,
    metadata: Metadata = (),
    timeout: float | None = None,  # noqa: ASYNC109 - the deadline of the call, which gRPC also sends to the server
) -> GetServerInfoResponse:
    """Like get_server_info(), for asyncio."""
    deadline = Deadline(timeout)
    async with connect_aio(target, credentials) as channel:
        answer = await _async_call(service(channel).GetServerInfo, GetServerInfoRequest(), metadata, deadline)
    info: GetServerInfoResponse = answer
    return info


def _request(config: StreamConfig, pcm: Pcm, markers: Iterable[Marker]) -> EncodeRequest:
    check_config(config)
    return EncodeRequest(config=config, pcm=bytes(PcmLayout(config.input).to_bytes(pcm)), markers=markers)


def _file(response: EncodeResponse) -> bytes:
    file: bytes = response.file
    check_file(response.totals, len(file), hashlib.sha256(file).digest(), crc32c(file))
    return file


# Only a refused call is sent again. If the connection broke, this request may have crashed the server, and must not
# crash the next one.
def _call(method: Callable[..., Any], request: Message, metadata: Metadata, deadline: Deadline) -> Any:
    left = waits()
    while True:
        try:
            return method(request, metadata=metadata, timeout=deadline.left_s)
        except grpc.RpcError as error:
            failed = call_failed(error)
            wait_s = next(left, None)
            if wait_s is None or not deadline.allows(wait_s) or not is_refusal(failed):
                raise failed from error
        time.sleep(wait_s)


async def _async_call(
    method: Callable[..., Awaitable[Any]], request: Message, metadata: Metadata, deadline: Deadline
) -> Any:
    left = waits()
    while True:
        try:
            return await method(request, metadata=metadata, timeout=deadline.left_s)
        except grpc.RpcError as error:
            failed = call_failed(error)
            wait_s = next(left, None)
            if wait_s is None or not deadline.allows(wait_s) or not is_refusal(failed):
                raise failed from error
        await asyncio.sleep(wait_s)
