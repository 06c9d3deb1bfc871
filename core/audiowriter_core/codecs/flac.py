"""FLAC files of 16 or 24 bits through libsndfile (libFLAC). RFC 9639.

libFLAC gathers blocks of 4096 samples. When the file is closed, it seeks back and writes the frame sizes, the total samples
and the MD5 into STREAMINFO. These bytes become the final header. Only STREAMINFO and the frames are libFLAC's: the other
metadata blocks are written here, because libsndfile takes each tag only once.
"""

from typing import ClassVar

from ..audio.layouts import LAYOUTS
from ..audio.sample_types import S16LE, S24LE, Samples
from ..description import Description
from ..muxers import flac_metadata
from ..muxers.base import REPEATABLE_TAGS, TAGS, Finish, MuxerSpec
from ..muxers.room import Room
from ..options import OutputOptions
from .base import CodecSpec
from .sndfile import SndfileWriter

BLOCK_SAMPLES = 4096
FAST_BLOCK_SAMPLES = 1152
"""libFLAC's block length at its levels 0 to 2."""
FAST_EFFORTS = range(4)
"""Efforts that libsndfile maps to libFLAC's levels 0 to 2: level = int(effort / 10 * 8)."""

RATES = (
    *(8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
    *(64000, 88200, 96000, 176400, 192000, 352800, 384000),
)


class FlacFile:
    """Encodes to FLAC. Decoders return exactly the same samples."""

    spec: ClassVar[CodecSpec] = CodecSpec(
        name="flac",
        sample_types=(S16LE, S24LE),
        sample_rates=RATES,
        channels=tuple(LAYOUTS),
        lookahead_samples=BLOCK_SAMPLES,
        encode_ms_per_second=1.5,
        effort=6,
        lossless=True,
    )
    container: ClassVar[MuxerSpec] = MuxerSpec(
        tags=TAGS, repeatable_tags=REPEATABLE_TAGS, takes_pictures=True, takes_marker_urls=True, finalizes_header=True
    )
    delay_samples = 0

    def __init__(self, output: OutputOptions) -> None:
        self._output = output
        self._room = Room(flac_metadata.descriptive_blocks, output.description, output.metadata_bytes)
        self.samples = 0
        assert output.effort is not None
        self._block = FAST_BLOCK_SAMPLES if output.effort in FAST_EFFORTS else BLOCK_SAMPLES
        self._writer = SndfileWriter(
            "FLAC",
            f"PCM_{output.sample_type.bits}",
            output.sample_rate_hz,
            output.channels,
            output.effort / 10,
        )

    @property
    def held_samples(self) -> int:
        # libFLAC writes a block when the first sample of the next one arrives.
        return self.samples - max(0, self.samples - 1) // self._block * self._block

    @property
    def wanted_samples(self) -> int:
        return self._block + 1 - self.held_samples if self.samples else 1

    def start(self) -> bytes:
        return self._marker_and_streaminfo() + self._blocks()

    def describe(self, description: Description) -> None:
        self._room.replace(description)

    def encode(self, samples: Samples) -> bytes:
        if not len(samples):
            return b""
        is_first = not self.samples
        self.samples += len(samples)
        data = self._writer.write(samples)
        return data[flac_metadata.head_bytes(data) :] if is_first else data

    def flush(self) -> bytes:
        return b""  # only the last block of a file may be shorter (RFC 9639, section 9.1.1)

    def finish(self) -> Finish:
        if not self.samples:
            header, trailer = self._marker_and_streaminfo(empty=True), b""
        else:
            header, trailer = self._writer.finish()
        return Finish(header=header + (self._blocks() if self._room.changed else b""), trailer=trailer)

    def _blocks(self) -> bytes:
        if not self._output.metadata_bytes:
            return flac_metadata.mark_last(self._room.content)
        return self._room.content + flac_metadata.padding(self._room.spare)

    def _marker_and_streaminfo(self, *, empty: bool = False) -> bytes:
        body = flac_metadata.streaminfo(
            sample_rate=self._output.sample_rate_hz,
            channels=self._output.channels,
            bits=self._output.sample_type.bits,
            block_samples=self._block,
            empty=empty,
        )
        return flac_metadata.MARKER + flac_metadata.block(flac_metadata.STREAMINFO, body)

    def close(self) -> None:
        self._writer.close()
