"""Random messages: valid, nearly valid, and invalid ones."""

import random
import struct
from collections.abc import Callable, Iterator

from audiowriter.v1 import audio_writer_pb2 as pb
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from lab.fuzz.options import any_options, as_config, valid_options

_MAX_PCM_BYTES = 1024 * 1024
_HUGE_BYTES = 4 * 1024 * 1024
_INTEGERS = (0, 1, 2, 7, 255, 2**15, 2**31 - 1)
_FLOATS = (0.0, -0.0, -1.0, 1.5, 1e308, float("inf"), float("-inf"), float("nan"))
_NANOS = (-1, 1, 2_500_000, 999_999_999, 2**31 - 1, -(2**31))
_SECONDS = (-1, 0, 1, 315_576_000_001, 2**63 - 1, -(2**63))
_TEXTS = (
    "title",
    "TITLE",
    "artist",
    "r128_track_gain",
    "",
    "\0",
    "\ufffe",
    "é" * 3000,
    "(12)",
    "²",
    "-" * 70,
    "a b",
    "\n",
)


def any_messages(dice: random.Random, method: str) -> Iterator[bytes]:
    """Yield the messages of a call. The seed of most lists is valid; then some of its messages are damaged."""
    name = method.rpartition("/")[2]
    sound = [each.SerializeToString() for each in _sound(dice, name)]
    for message in sound:
        yield message if dice.random() < 0.95 else _damaged(dice, message)
    while dice.random() < 0.1:
        yield _damaged(dice, dice.choice(sound) if sound else b"")


def _sound(dice: random.Random, name: str) -> Iterator[Message]:
    """Yield messages of the method's own type."""
    if name == "EncodeStream":
        yield from _stream(dice)
    elif name == "Encode":
        config, frame_bytes = _config(dice)
        yield pb.EncodeRequest(config=config, pcm=_pcm(dice, frame_bytes, dice.choice((0, 1000, 100_000, 2_000_000))))
    elif name == "ResolveConfig":
        yield pb.ResolveConfigRequest(config=_config(dice)[0])
    elif name in ("Check", "Watch"):
        service = dice.choice(("", "liveness", "audiowriter.v1.AudioWriterService", "x" * 5000, "\0"))
        yield health_pb2.HealthCheckRequest(service=service)
    elif name == "ServerReflectionInfo":
        for _ in range(dice.randint(0, 5)):
            yield _reflection(dice)
    else:
        yield pb.ListFormatsRequest()


def _describe(dice: random.Random, request: pb.EncodeStreamRequest) -> None:
    """Add late tags and markers: most of them good, some of them bad."""
    for _ in range(dice.randint(0, 3)):
        request.metadata.tags.add(
            name=dice.choice(("title", "artist", "comment")), value=dice.choice(("", "Fox", "x" * 90))
        )
    for _ in range(dice.choice((0, 1, 5, 300))):
        position = dice.choice((0, 1, 24_000, 2**40, 2**63 - 1, -1))
        request.markers.add(position=max(position, dice.choice((0, -1))), title=dice.choice(_TEXTS))
    if dice.random() < 0.05:
        request.metadata.pictures.add(data=b"x")


def _stream(dice: random.Random) -> Iterator[pb.EncodeStreamRequest]:
    config, frame_bytes = _config(dice)
    if dice.random() < 0.97:
        yield pb.EncodeStreamRequest(config=config)
    if dice.random() < 0.1:
        yield from (pb.EncodeStreamRequest(flush=pb.Flush()) for _ in range(dice.choice((3, 1000))))
    if dice.random() < 0.05:
        yield from (pb.EncodeStreamRequest() for _ in range(1000))
    length = dice.choice((0, 1, 960, 48_000, 500_000, 1_200_000))
    pcm = _pcm(dice, frame_bytes, length)
    while pcm:
        size = dice.choice((1, 960, 4001, 65_536, _MAX_PCM_BYTES, _MAX_PCM_BYTES + 1))
        size = max(size, length // 200)  # so that a call has at most a few hundred messages
        flush = pb.Flush() if dice.random() < 0.1 else None
        request = pb.EncodeStreamRequest(pcm=pcm[:size], flush=flush, config=config if dice.random() < 0.02 else None)
        if dice.random() < 0.05:
            _describe(dice, request)
        yield request
        pcm = pcm[size:]
    if dice.random() < 0.02:
        yield pb.EncodeStreamRequest(config=_config(dice)[0])
    if dice.random() < 0.02:
        yield pb.EncodeStreamRequest(pcm=bytes(_HUGE_BYTES))


def _config(dice: random.Random) -> tuple[pb.StreamConfig, int]:
    """Return a config, and the bytes of a frame; most configs are valid."""
    draw = valid_options if dice.random() < 0.9 else any_options
    options = draw(dice)
    config = as_config(options)
    width = {"s16le": 2, "s24le": 3, "u8": 1, "f64le": 8, "mulaw": 1, "alaw": 1}.get(options["sample_format"], 4)
    if dice.random() < 0.1:
        config.request_id = dice.choice(("", "a-1", "x" * 64, "x" * 65, "a b", "é"))
    while dice.random() < 0.1:
        _spoil(dice, config)
    return config, options["channels"] * width


def _spoil(dice: random.Random, config: pb.StreamConfig) -> None:
    """Set one field to an extreme value."""
    source, output = config.input, config.output
    changes: tuple[Callable[[], object], ...] = (
        lambda: setattr(source, dice.choice(("sample_rate_hz", "channels")), _unsigned(dice)),
        lambda: setattr(output, dice.choice(("sample_rate_hz", "channels", "bitrate_bps", "effort")), _unsigned(dice)),
        lambda: setattr(dice.choice((source, output)), "sample_format", dice.choice(_INTEGERS)),
        lambda: setattr(output, "format", dice.choice((0, 16, 2**31 - 1, -1))),
        lambda: setattr(output, "vbr_quality", dice.choice(_FLOATS)),
        lambda: setattr(dice.choice((output.page, output.opus_frame)), "nanos", dice.choice(_NANOS)),
        lambda: setattr(dice.choice((output.page, output.opus_frame)), "seconds", dice.choice(_SECONDS)),
        lambda: output.metadata.tags.extend(
            pb.Tag(name=dice.choice(_TEXTS), value=dice.choice(_TEXTS)) for _ in range(dice.choice((1, 3, 65, 1500)))
        ),
        lambda: setattr(output.loudness, dice.choice(("gain_db", "true_peak_limit_dbtp")), dice.choice(_FLOATS)),
        lambda: config.ClearField(dice.choice(("input", "output"))),
        lambda: config.MergeFromString(_unknown_field(dice)),
        lambda: output.MergeFromString(_unknown_field(dice)),
    )
    dice.choice(changes)()


def _unsigned(dice: random.Random) -> int:
    return dice.choice((*_INTEGERS, 2**32 - 1))


def _pcm(dice: random.Random, frame_bytes: int, length: int) -> bytes:
    """Return PCM of about this length: noise, silence, or floats of extreme values; seldom cut inside a frame."""
    length = length // frame_bytes * frame_bytes + (1 if dice.random() < 0.1 else 0)
    kind = dice.randrange(4)
    if kind == 0:
        return bytes(length)
    if kind == 1:
        number = dice.choice((0.5, -1.0, 1e30, 1e-40, float("nan"), float("inf")))
        return (struct.pack("<f" if frame_bytes % 8 else "<d", number) * (length // 4 + 1))[:length]
    return dice.randbytes(length)


def _reflection(dice: random.Random) -> reflection_pb2.ServerReflectionRequest:
    request = reflection_pb2.ServerReflectionRequest(host=dice.choice(("", "x" * 100)))
    text = dice.choice(
        ("audiowriter.v1.AudioWriterService", "audiowriter.v1.AudioWriterService.Encode", "", ".", "x" * 5000)
    )
    field = dice.choice(
        ("file_by_filename", "file_containing_symbol", "all_extension_numbers_of_type", "list_services")
    )
    setattr(request, field, text)
    if dice.random() < 0.2:
        extension = request.file_containing_extension
        extension.containing_type, extension.extension_number = text, dice.choice((0, -1, 2**31 - 1))
    return request


def _unknown_field(dice: random.Random) -> bytes:
    """Return one field with a random number."""
    number, wire = dice.choice((14, 999, 2**29 - 1)), dice.choice((0, 1, 2, 5))
    body = {0: b"\x07", 1: bytes(8), 2: b"\x03abc", 5: bytes(4)}[wire]
    return _varint(number << 3 | wire) + body


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes((*parts, value))


def _damaged(dice: random.Random, message: bytes) -> bytes:
    """Change the bytes of a message. Most of the results do not parse."""
    data, at = bytearray(message), dice.randrange(len(message) + 1)
    kind = dice.randrange(7)
    if kind == 0:
        return dice.randbytes(dice.choice((0, 1, 10, 1000)))
    if kind == 1:
        return bytes(data[:at])
    if kind == 2:
        return bytes(data + data[:1000])
    if kind == 3:
        return bytes(data) + _unknown_field(dice) * dice.choice((1, 1, 3000))
    if kind == 4:
        return bytes(data[:at]) + dice.randbytes(dice.randint(1, 20)) + bytes(data[at:])
    if kind == 5:  # groups, nested deeply
        return b"\x0b" * dice.choice((1, 99, 5000))
    for _ in range(dice.randint(1, 8)):
        if data:
            data[dice.randrange(min(len(data), 64))] ^= 1 << dice.randrange(8)
    return bytes(data)
