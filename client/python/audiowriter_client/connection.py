"""Creates channels and stubs."""

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Any

import grpc
import grpc.aio
from audiowriter.v1.audio_writer_pb2_grpc import AudioWriterServiceStub

from audiowriter_client.default_port import with_default_port
from audiowriter_client.errors import quoted
from audiowriter_client.proxy import may_use_proxy
from audiowriter_client.targets import look_up, servers_of

Metadata = Sequence[tuple[str, str | bytes]]

# Calls use the addresses of a target in turn: a stream that one server refuses is sent to another one.
_SERVICE_CONFIG: dict[str, Any] = {"loadBalancingConfig": [{"round_robin": {}}]}

_OPTIONS = [
    # Detects a dead server within 50 s; without keepalive it would never be detected.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # Otherwise gRPC waits up to a minute for the answer to a ping, whatever the keepalive timeout is.
    ("grpc.http2.ping_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Time limit of a connection attempt. By default, a host that does not answer is reported after 20 s.
    ("grpc.min_reconnect_backoff_ms", 5_000),
    # A stream that lost its only server waits for the next attempt to connect. By default gRPC waits for up to two minutes.
    ("grpc.max_reconnect_backoff_ms", 5_000),
    # A file returned by Encode may be larger than its PCM; the server limits its size.
    ("grpc.max_receive_message_length", -1),
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    # retry.py explains why.
    ("grpc.enable_retries", 0),
]


def connect(
    target: str | grpc.Channel, credentials: grpc.ChannelCredentials | None
) -> AbstractContextManager[grpc.Channel]:
    """Yield a channel to `target` and close it at the end of the context. A given channel is yielded and stays open."""
    if not isinstance(target, str):
        _refuse(credentials)
        return nullcontext(target)
    servers = servers_of(target)
    address = look_up(servers) if servers else with_default_port(target)
    if credentials is None:
        return grpc.insecure_channel(address, options=_options(servers, address))
    return grpc.secure_channel(address, credentials, options=_options(servers, address))


@asynccontextmanager
async def connect_aio(
    target: str | grpc.aio.Channel, credentials: grpc.ChannelCredentials | None
) -> AsyncIterator[grpc.aio.Channel]:
    """Like connect(), for asyncio."""
    if not isinstance(target, str):
        _refuse(credentials)
        yield target
        return
    servers = servers_of(target)
    address = await asyncio.to_thread(look_up, servers) if servers else with_default_port(target)
    if credentials is None:
        opened = grpc.aio.insecure_channel(address, options=_options(servers, address))
    else:
        opened = grpc.aio.secure_channel(address, credentials, options=_options(servers, address))
    async with opened as channel:
        yield channel


def check_arguments(
    target: object, channel: type[grpc.Channel | grpc.aio.Channel], credentials: object, metadata: object
) -> None:
    """Raise TypeError for an argument of a call that has a wrong type. gRPC does not name it, or not before the call."""
    if not isinstance(target, str | channel):
        expected = "a grpc.Channel" if channel is grpc.Channel else "a grpc.aio.Channel"
        raise TypeError(f"target: expected a name or {expected}, not {_type(target)}")
    if credentials is not None and not isinstance(credentials, grpc.ChannelCredentials):
        raise TypeError(f"credentials: expected grpc.ChannelCredentials, not {_type(credentials)}")
    if metadata is None:
        return
    if not isinstance(metadata, Collection) or isinstance(metadata, str | bytes | Mapping):
        raise TypeError(f"metadata: expected a sequence of pairs, not {_type(metadata)}")
    for pair in metadata:
        match pair:
            case (str(), str() | bytes()):
                pass
            case _:
                raise TypeError(f"metadata: expected pairs of str with str or bytes, not {quoted(repr(pair))}")


def _type(value: object) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def _options(servers: Sequence[str], address: str) -> list[tuple[str, Any]]:
    options = list(_OPTIONS)
    if servers:
        # gRPC has one authority per channel: all servers of a list are addressed and verified as the first one.
        options.append(("grpc.default_authority", servers[0]))
    if not may_use_proxy(address):
        options.append(("grpc.enable_http_proxy", 0))
    return options


def _refuse(credentials: grpc.ChannelCredentials | None) -> None:
    if credentials is not None:
        raise ValueError("credentials require a target given by name: a channel already has its own")


def service(channel: grpc.Channel | grpc.aio.Channel) -> Any:
    """Create the service's stub. Generated code has no types."""
    return AudioWriterServiceStub(channel)
