"""The calls that don't stream."""

import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import grpc
import grpc.aio
from audiowriter.v1.audio_writer_pb2 import (
    EncodeRequest,
    EncodeResponse,
    FormatInfo,
    ListFormatsRequest,
    StreamConfig,
)

from audiowriter_client.connection import Metadata, connect, connect_aio, service
from audiowriter_client.errors import call_failed
from audiowriter_client.pcm import Pcm, PcmLayout
from audiowriter_client.stream import check_file


def encode(
    target: str | grpc.Channel,
    config: StreamConfig,
    pcm: Pcm,
    *,
    credentials: grpc.ChannelCredentials | None = None,
    metadata: Metadata = (),
) -> bytes:
    """Encode short audio in one call and return the file.

    PCM and file are bounded by the server's message limit, 4 MiB by default: take AudioWriter for more. `target`,
    `credentials` and `metadata` are as for AudioWriter.open, `pcm` as for AudioWriter.write. Raises AudioWriterError.
    """
    request = _request(config, pcm)
    with _service(target, credentials) as stub:
        response = stub.Encode(request, metadata=metadata)
    return _file(response)


async def async_encode(
    target: str | grpc.aio.Channel,
    config: StreamConfig,
    pcm: Pcm,
    *,
    credentials: grpc.ChannelCredentials | None = None,
    metadata: Metadata = (),
) -> bytes:
    """As encode, for asyncio."""
    request = _request(config, pcm)
    async with _async_service(target, credentials) as stub:
        response = await stub.Encode(request, metadata=metadata)
    return _file(response)


def list_formats(
    target: str | grpc.Channel, *, credentials: grpc.ChannelCredentials | None = None, metadata: Metadata = ()
) -> Sequence[FormatInfo]:
    """Ask what the server can write. Raises AudioWriterError."""
    with _service(target, credentials) as stub:
        formats: Sequence[FormatInfo] = stub.ListFormats(ListFormatsRequest(), metadata=metadata).formats
    return formats


async def async_list_formats(
    target: str | grpc.aio.Channel, *, credentials: grpc.ChannelCredentials | None = None, metadata: Metadata = ()
) -> Sequence[FormatInfo]:
    """As list_formats, for asyncio."""
    async with _async_service(target, credentials) as stub:
        formats: Sequence[FormatInfo] = (await stub.ListFormats(ListFormatsRequest(), metadata=metadata)).formats
    return formats


def _request(config: StreamConfig, pcm: Pcm) -> EncodeRequest:
    return EncodeRequest(config=config, pcm=bytes(PcmLayout(config.input).to_bytes(pcm)))


def _file(response: EncodeResponse) -> bytes:
    file: bytes = response.file
    check_file(response.finished, len(file), hashlib.sha256(file).digest())
    return file


@contextmanager
def _service(target: str | grpc.Channel, credentials: grpc.ChannelCredentials | None) -> Iterator[Any]:
    with connect(target, credentials) as channel:
        try:
            yield service(channel)
        except grpc.RpcError as error:
            raise call_failed(error) from error


@asynccontextmanager
async def _async_service(
    target: str | grpc.aio.Channel, credentials: grpc.ChannelCredentials | None
) -> AsyncIterator[Any]:
    async with connect_aio(target, credentials) as channel:
        try:
            yield service(channel)
        except grpc.RpcError as error:
            raise call_failed(error) from error
