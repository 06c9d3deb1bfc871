"""The limits of a stream: what its config may ask for, and how long it may become."""

import re

import audiowriter_core
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_core import AudioEncoder

from ..errors import AboveLimit, InvalidArgument, LimitExceeded, UnknownFields, Violation
from ..runtime.settings import Settings
from . import wire
from .session import Place
from .unknown_fields import unknown_fields

_REQUEST_ID = re.compile("[!-~]{0,64}")


class Limits:
    """Checks streams against the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._max_pcm_bytes = settings.max_pcm_bytes
        self._max_seconds = settings.max_stream_seconds
        self._max_file_bytes = settings.max_file_bytes

    def check_config(self, config: pb.StreamConfig) -> None:
        """Raise AboveLimit if the config exceeds a limit of the server, UnknownFields if it has fields that the server does
        not know, or InvalidArgument for a bad request_id. Each lists all bad fields."""
        limits = self._settings
        above: dict[str, tuple[str, float]] = {}
        violations = unknown = list(unknown_fields(config))
        if not _REQUEST_ID.fullmatch(config.request_id):
            text = "request_id: takes at most 64 characters of printable ASCII without spaces"
            violations = [*unknown, Violation("config.request_id", text)]

        def add(path: str, limit: str, text: str) -> None:
            above[path] = limit, getattr(limits, limit)
            violations.append(Violation(path, text))

        for name, end in (("input", config.input), ("output", config.output)):
            for field in ("sample_rate_hz", "channels"):
                value, limit = getattr(end, field), getattr(limits, f"max_{field}")
                if limit and value > limit:
                    add(
                        f"config.{name}.{field}",
                        f"max_{field}",
                        f"{field}={value}: this server takes at most {limit}",
                    )
        source, target = config.input.sample_rate_hz, config.output.sample_rate_hz
        highest = int(source * limits.max_rate_ratio)
        if not above and source and target > highest:
            ratio = f"{limits.max_rate_ratio:g} times the input's"
            text = f"sample_rate_hz={target}: this server takes at most {highest}, {ratio}"
            add("config.output.sample_rate_hz", "max_rate_ratio", text)
        if not violations:
            return
        try:
            AudioEncoder(**wire.options(config))
        except audiowriter_core.InvalidArgument as exc:  # report all bad fields at once
            others = wire.invalid_argument(exc).violations
            violations += [violation for violation in others if violation.field not in above]
        if above:
            raise AboveLimit(violations, *next(iter(above.values())))
        raise UnknownFields(violations) if unknown else InvalidArgument(violations)

    def check_message(self, encoder: AudioEncoder, pcm_bytes: int, place: Place | None = None) -> int:
        """Return the most bytes of PCM that a message lets the encoder encode: its own, those that waited, and silence.

        Raises AboveLimit or LimitExceeded if a message with this much PCM is too long, or makes the stream too long.
        """
        if pcm_bytes > self._max_pcm_bytes:
            text = f"has {pcm_bytes} bytes in one message: this server takes at most {self._max_pcm_bytes}"
            raise AboveLimit([Violation("pcm", text)], "max_pcm_bytes", self._max_pcm_bytes)
        length, work = encoder.input_bytes + pcm_bytes, pcm_bytes
        if encoder.takes_positions:
            frame_bytes = encoder.options.input.frame_bytes
            frames, ready = encoder.timeline.after(pcm_bytes, *(place or (None, 0)))
            length, work = frames * frame_bytes, max(pcm_bytes, ready * frame_bytes)
        if length > self._max_seconds * encoder.cost.bytes_per_second:
            message = f"the stream has more than {self._max_seconds:g} s of audio: continue in a new stream"
            raise LimitExceeded(message, "max_stream_seconds", self._max_seconds)
        return work

    def check_file(self, file_bytes: int) -> None:
        """Raise LimitExceeded if the file is too long. Called after each slice, which is at most 256 KiB."""
        if file_bytes > self._max_file_bytes:
            message = f"the file has more than {self._max_file_bytes} bytes: continue in a new stream"
            raise LimitExceeded(message, "max_file_bytes", self._max_file_bytes)
