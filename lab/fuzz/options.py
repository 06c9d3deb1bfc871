"""Random options of AudioEncoder, drawn from the table of formats."""

import random
from typing import Any

from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_core import FORMATS, AudioEncoder, InvalidArgument
from audiowriter_core.audio.sample_types import SAMPLE_TYPES
from support.streams import config

Options = dict[str, Any]
"""Keyword arguments of AudioEncoder. Options that are not set are left out."""

MAX_RATE_HZ = 192_000
MAX_RATE_RATIO = 24
"""Default limits of the server."""

_RATES = (1000, 7350, 8000, 11_025, 16_000, 22_050, 24_000, 44_100, 47_999, 48_000, 96_000, 191_999, 192_000)
_TEXTS = ("Fox", "", "7", "ä" * 40, "a\nb", "=", "\u202e\U0001f98a", "1" * 5000, "x" * 20_000)


def any_options(dice: random.Random, name: str | None = None) -> Options:
    """Return options of the format `name`, or of any format. Each value alone is one that the format documents."""
    kind = FORMATS[name or dice.choice(list(FORMATS))]
    codec, container = kind.codec, kind.container
    chosen: Options = {
        "format": kind.name,
        "sample_rate_hz": dice.choice(_RATES) if dice.random() < 0.9 else dice.randint(1000, MAX_RATE_HZ),
        "channels": dice.randint(1, 8),
        "sample_format": dice.choice(list(SAMPLE_TYPES)),
    }
    if dice.random() < 0.7:
        chosen["output_sample_rate_hz"] = dice.choice(codec.sample_rates)
    if dice.random() < 0.5:
        chosen["output_channels"] = dice.choice((1, 2, chosen["channels"]))
    if dice.random() < 0.3:
        chosen["output_sample_format"] = dice.choice(codec.sample_types).name.lower()
    if codec.takes_vbr_quality and dice.random() < 0.5:
        chosen["vbr_quality"] = dice.choice((0.0, 0.5, 1.0, dice.random()))
    elif codec.bitrates is not None and dice.random() < 0.7:
        rate, channels = dice.choice(codec.sample_rates), dice.choice(codec.channels)
        allowed = codec.bitrates(rate, channels)
        chosen["bitrate_bps"] = dice.choice((allowed[0], allowed[-1], dice.choice(allowed)))
    if codec.effort is not None and dice.random() < 0.7:
        chosen["effort"] = dice.choice((0, 10, dice.randint(0, 10)))
    if codec.frames_ms and dice.random() < 0.5:
        chosen["opus_frame_ms"] = dice.choice(codec.frames_ms)
    if container.pages_ms and dice.random() < 0.5:
        low, high = container.pages_ms
        chosen["page_ms"] = dice.choice((low, high, 20, 60, 120))
    if dice.random() < 0.2:
        chosen["measure_loudness"] = True
        chosen["gain_db"] = dice.choice((-60.0, 0.0, 6.0, 60.0))
        if dice.random() < 0.5:
            chosen["true_peak_limit_dbtp"] = dice.choice((-20.0, -1.0, 0.0))
    if container.tags and dice.random() < 0.3:
        chosen["metadata_bytes"] = dice.choice((1, 100, 4096, 65_536))
    if container.tags and dice.random() < 0.3:
        chosen["tags"] = [(dice.choice(container.tags), dice.choice(_TEXTS)) for _ in range(dice.randint(1, 4))]
    return chosen


def is_valid(options: Options) -> bool:
    """Whether the core accepts these options, and the server with its default limits."""
    try:
        resolved = AudioEncoder(**options).options
    except InvalidArgument:
        return False
    source, target = resolved.input.sample_rate_hz, resolved.output.sample_rate_hz
    return max(source, target) <= MAX_RATE_HZ and target <= MAX_RATE_RATIO * source


def valid_options(dice: random.Random, name: str | None = None) -> Options:
    """Return options that core and server accept. Tries until it has some: one in five is valid."""
    while not is_valid(options := any_options(dice, name)):
        pass
    return options


def as_config(options: Options) -> pb.StreamConfig:
    """Return the config of a stream with these options."""
    chosen = dict(options)
    if "measure_loudness" in chosen:
        chosen["loudness"] = pb.LoudnessOptions(
            measure=chosen.pop("measure_loudness"),
            gain_db=chosen.pop("gain_db"),
            true_peak_limit_dbtp=chosen.pop("true_peak_limit_dbtp", None),
        )
    return config(
        chosen.pop("format"),
        chosen.pop("sample_rate_hz"),
        chosen.pop("channels"),
        chosen.pop("sample_format").upper(),
        out_rate=chosen.pop("output_sample_rate_hz", 0),
        out_channels=chosen.pop("output_channels", 0),
        out_sample_format=chosen.pop("output_sample_format", "unspecified").upper(),
        **chosen,
    )
