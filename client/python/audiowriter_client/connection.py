"""Channels and stubs."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Any

import grpc
import grpc.aio
from audiowriter.v1.audio_writer_pb2_grpc import AudioWriterServiceStub

from audiowriter_client.default_port import with_default_port
from audiowriter_client.targets import look_up, servers_of

Metadata = Sequence[tuple[str, str | bytes]]

# Calls take the addresses of a target in turn: a stream that one server refuses goes to another one.
_SERVICE_CONFIG: dict[str, Any] = {"loadBalancingConfig": [{"round_robin": {}}]}

_OPTIONS = [
    # A peer that vanished without a word is noticed within 50 s instead of never.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # Or the answer to a ping is waited for for a minute, whatever keepalive says.
    ("grpc.http2.ping_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # A whole file from Encode may be larger than the PCM it is made of; the server bounds it.
    ("grpc.max_receive_message_length", -1),
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    # The reason is in retry.py.
    ("grpc.enable_retries", 0),
]


def connect(
    target: str | grpc.Channel, credentials: grpc.ChannelCredentials | None
) -> AbstractContextManager[grpc.Channel]:
    """Open a channel to `target`, closed at the end of the context; a channel that is given is not."""
    if not isinstance(target, str):
        _refuse(credentials)
        return nullcontext(target)
    servers = servers_of(target)
    address = look_up(servers) if servers else with_default_port(target)
    if credentials is None:
        return grpc.insecure_channel(address, options=_options(servers))
    return grpc.secure_channel(address, credentials, options=_options(servers))


@asynccontextmanager
async def connect_aio(
    target: str | grpc.aio.Channel, credentials: grpc.ChannelCredentials | None
) -> AsyncIterator[grpc.aio.Channel]:
    """As connect(), for asyncio."""
    if not isinstance(target, str):
        _refuse(credentials)
        yield target
        return
    servers = servers_of(target)
    address = await asyncio.to_thread(look_up, servers) if servers else with_default_port(target)
    if credentials is None:
        opened = grpc.aio.insecure_channel(address, options=_options(servers))
    else:
        opened = grpc.aio.secure_channel(address, credentials, options=_options(servers))
    async with opened as channel:
        yield channel


def _options(servers: Sequence[str]) -> list[tuple[str, Any]]:
    # gRPC has no authority for an address in a list: all are asked for, and verified as, the first server.
    return [*_OPTIONS, ("grpc.default_authority", servers[0])] if servers else _OPTIONS


def _refuse(credentials: grpc.ChannelCredentials | None) -> None:
    if credentials is not None:
        raise ValueError("credentials are for a target given by name: a channel has its own")


def service(channel: grpc.Channel | grpc.aio.Channel) -> Any:
    """Make the service's stub. Generated code has no types."""
    return AudioWriterServiceStub(channel)
