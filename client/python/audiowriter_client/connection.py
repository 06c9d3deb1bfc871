"""Channels and stubs."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from typing import Any

import grpc
import grpc.aio
from audiowriter.v1.audio_writer_pb2_grpc import AudioWriterServiceStub

from audiowriter_client.default_port import with_default_port

Metadata = Sequence[tuple[str, str | bytes]]

_OPTIONS = [
    # A peer that vanished without a word is noticed within 50 s instead of never.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # Or the answer to a ping is waited for for a minute, whatever keepalive says.
    ("grpc.http2.ping_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # A whole file from Encode may be larger than the PCM it is made of; the server bounds it.
    ("grpc.max_receive_message_length", -1),
]


def connect(
    target: str | grpc.Channel, credentials: grpc.ChannelCredentials | None
) -> AbstractContextManager[grpc.Channel]:
    """Open a channel to `target`, closed at the end of the context; a channel that is given is not."""
    if not isinstance(target, str):
        _refuse(credentials)
        return nullcontext(target)
    target = with_default_port(target)
    if credentials is None:
        return grpc.insecure_channel(target, options=_OPTIONS)
    return grpc.secure_channel(target, credentials, options=_OPTIONS)


def connect_aio(
    target: str | grpc.aio.Channel, credentials: grpc.ChannelCredentials | None
) -> AbstractAsyncContextManager[grpc.aio.Channel]:
    """As connect(), for asyncio."""
    if not isinstance(target, str):
        _refuse(credentials)
        return nullcontext(target)
    target = with_default_port(target)
    if credentials is None:
        return grpc.aio.insecure_channel(target, options=_OPTIONS)
    return grpc.aio.secure_channel(target, credentials, options=_OPTIONS)


def _refuse(credentials: grpc.ChannelCredentials | None) -> None:
    if credentials is not None:
        raise ValueError("credentials are for a target given by name: a channel has its own")


def service(channel: grpc.Channel | grpc.aio.Channel) -> Any:
    """Make the service's stub. Generated code has no types."""
    return AudioWriterServiceStub(channel)
