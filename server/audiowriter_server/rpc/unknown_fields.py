"""Finds the fields of a config that this server does not know. Ignoring them would ignore what a newer client asks for."""

from collections.abc import Iterator
from typing import Any

from audiowriter.v1 import audio_writer_pb2 as pb
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from ..errors import Violation

MAX_BYTES = 8192
"""Maximum length of unknown fields that are examined one by one. A long config must not block the event loop."""

MAX_MESSAGES = 100
"""Maximum number of messages of a repeated field that are examined. resolve.py refuses a config with as many tags."""

_unknown: Any = UnknownFieldSet  # its type hints lack iteration


def unknown_fields(config: pb.StreamConfig) -> Iterator[Violation]:
    """Yield a violation for each unknown field of a config and of the messages in it."""
    size = config.ByteSize()
    if size > MAX_BYTES:
        known = pb.StreamConfig()
        known.CopyFrom(config)
        known.DiscardUnknownFields()
        if size - known.ByteSize() > MAX_BYTES:
            yield Violation("config", f"has more than {MAX_BYTES} bytes of fields that are not known to this server")
            return
    yield from _unknown_fields(config, "config")


def _unknown_fields(message: Message, path: str) -> Iterator[Violation]:
    for number in sorted({field.field_number for field in _unknown(message)}):
        yield Violation(f"{path}.{number}", f"field {number} is not known to this server: do not set it")
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            values = value[:MAX_MESSAGES] if field.is_repeated else [value]
            for number, part in enumerate(values):
                index = f"[{number}]" if field.is_repeated else ""
                yield from _unknown_fields(part, f"{path}.{field.name}{index}")
