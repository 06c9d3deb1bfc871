"""WAV files: a RIFF header, whose sizes are filled in at the end, and the samples."""

from collections.abc import Sequence
from typing import ClassVar

from ..audio.g711 import compression_table
from ..audio.sample_types import U8
from ..codecs.base import Codec, Packet
from ..description import Description
from ..options import OutputOptions
from . import riff
from .base import REPEATABLE_TAGS, Finish, MuxerSpec
from .room import Room

_G711 = {"mulaw": (riff.MULAW, "ULAW"), "alaw": (riff.ALAW, "ALAW")}
"""Format tag and law for each codec name. RFC 2361, appendix A."""

FULL, MINIMAL = "full", "minimal"


class WavMuxer:
    """Writes PCM, IEEE float and G.711 as RIFF/WAVE, or as RF64 beyond 4 GiB."""

    spec: ClassVar[MuxerSpec] = MuxerSpec(
        tags=riff.TAGS,
        repeatable_tags=REPEATABLE_TAGS,
        takes_pictures=True,
        takes_marker_urls=True,
        wav_headers=(FULL, MINIMAL),
        finalizes_header=True,
    )

    def __init__(self, output: OutputOptions, codec: Codec) -> None:
        self._output = output
        kind = output.sample_type
        if codec.spec.name in _G711:
            self._format_tag, law = _G711[codec.spec.name]
            self._bits, self._silence = 8, compression_table(law)[:1].tobytes()
        else:
            self._format_tag, self._bits = (riff.IEEE_FLOAT if kind.is_float else riff.PCM), kind.bits
            self._silence = b"\x80" if kind is U8 else b"\0"
        self._reserves = output.metadata_bytes > 0
        self._room = Room(riff.metadata, output.description, output.metadata_bytes + output.metadata_bytes % 2)
        self._data_bytes = 0
        self._frame_bytes = self._bits // 8 * output.channels

    @property
    def samples_out(self) -> int:
        return self._data_bytes // self._frame_bytes

    def start(self) -> bytes:
        return self._header(None)

    def describe(self, description: Description) -> None:
        self._room.replace(description)

    def write(self, packets: Sequence[Packet]) -> bytes:
        data = packets[0].data if len(packets) == 1 else b"".join([packet.data for packet in packets])
        self._data_bytes += len(data)
        return data

    def flush(self) -> bytes:
        return b""

    def finish(self, packets: Sequence[Packet], samples: int) -> Finish:
        rest = self.write(packets)
        return Finish(header=self._header(samples), trailer=rest + riff.pad(self._data_bytes, self._silence))

    def _metadata(self) -> bytes:
        return self._room.content + (riff.junk(self._room.spare) if self._reserves else b"")

    def _header(self, frames: int | None) -> bytes:
        if self._output.wav_header == MINIMAL:
            return riff.minimal_header(
                self._format_tag, self._bits, self._output.sample_rate_hz, self._output.channels, frames
            )
        return riff.header(
            format_tag=self._format_tag,
            bits=self._bits,
            sample_rate=self._output.sample_rate_hz,
            channels=self._output.channels,
            metadata=self._metadata(),
            frames=frames,
        )
