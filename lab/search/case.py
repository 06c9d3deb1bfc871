"""One case of the search: what the streams beside the canary are, and how they are sent."""

import random
from dataclasses import asdict, dataclass, replace
from json import dumps, loads
from typing import Any, Self

import numpy as np
from audiowriter_core import AudioEncoder
from audiowriter_core.audio.sample_types import from_float, pack
from support.streams import speechlike

from lab.fuzz.options import Options, any_options, is_valid, valid_options

MAX_PCM_BYTES = 1024 * 1024
"""Default limit of the server."""

CONTENTS = ("noise", "speech", "silence", "square", "tiny")
"""What the PCM is. Tiny: floats below the smallest normal number, which some processors handle slowly."""

_STREAMS = (1, 2, 4, 16, 48)
"""With 200 streams of 20 ms messages, gRPC's own work per message fills the event loop, which no order of ours changes."""
_MESSAGES = (1, 10, 0)
_SIZES = (1, 40, 400, 4000, 20_000, 64_000, 256_000, MAX_PCM_BYTES)


@dataclass(frozen=True)
class Case:
    """`streams` at once, each of `messages` messages of about `message_bytes` of PCM, or without end if it is 0."""

    options: Options
    streams: int
    messages: int
    message_bytes: int
    flush: bool
    content: str

    @classmethod
    def drawn(cls, dice: random.Random) -> Self:
        """Return a random case."""
        return cls(
            options=valid_options(dice),
            streams=dice.choice(_STREAMS),
            messages=dice.choice(_MESSAGES),
            message_bytes=_size(dice),
            flush=dice.random() < 0.2,
            content=dice.choice(CONTENTS),
        )

    def mutated(self, dice: random.Random) -> Self:
        """Return the case with one or two changes."""
        case = self
        for _ in range(dice.choice((1, 1, 2))):
            other = Case.drawn(dice)
            what = dice.choice(("options", "options", "streams", "messages", "message_bytes", "flush", "content"))
            value = _nearby(self.options, dice) if what == "options" else getattr(other, what)
            changes: dict[str, Any] = {what: value}
            case = replace(case, **changes)
        return case

    def pcm(self) -> bytes:
        """Return the PCM of one message: whole frames, at least one."""
        source = AudioEncoder(**self.options).options.input
        frames = max(1, self.message_bytes // source.frame_bytes)
        count = frames * source.channels
        if self.content == "noise":
            floats = np.random.default_rng(1).uniform(-1, 1, count)
        elif self.content == "speech":
            floats = np.resize(speechlike(10 * 24_000, 24_000) / 32768.0, count)
        elif self.content == "square":
            floats = np.where(np.arange(count) // (50 * source.channels) % 2, 1.0, -1.0)
        else:
            floats = np.full(count, 1e-40 if self.content == "tiny" else 0.0)
        return pack(from_float(floats.reshape(-1, source.channels), source.sample_type), source.sample_type)

    def as_json(self) -> str:
        return dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        values = loads(text)
        if "tags" in values["options"]:
            values["options"]["tags"] = [tuple(tag) for tag in values["options"]["tags"]]
        return cls(**values)

    def __str__(self) -> str:
        length = f"{self.messages} messages" if self.messages else "endless"
        options = {**self.options}
        if "tags" in options:
            options["tags"] = f"{sum(len(value) for _, value in options['tags'])} characters"
        chosen = " ".join(f"{name}={value}" for name, value in options.items())
        flush = ", each with a flush" if self.flush else ""
        return f"{self.streams} × {length} of {self.message_bytes} bytes of {self.content}{flush}: {chosen}"


def _size(dice: random.Random) -> int:
    return min(MAX_PCM_BYTES, round(dice.choice(_SIZES) * dice.uniform(0.7, 1.5)) or 1)


def _nearby(options: Options, dice: random.Random) -> Options:
    """Return the options with one value from other options of the format."""
    for _ in range(50):
        other = any_options(dice, options["format"])
        name = dice.choice([key for key in other if key != "format"])
        changed = {**options, name: other[name]}
        if name in ("vbr_quality", "bitrate_bps"):
            changed.pop("bitrate_bps" if name == "vbr_quality" else "vbr_quality", None)
        if is_valid(changed):
            return changed
    return options
