"""MP3 files: an ID3v2 tag, an Info frame, the audio frames and an ID3v1 tag.

lameenc disables LAME's Info frame, because LAME would seek back to write it. This muxer writes the frame itself: first
without totals, then, in the final header, with frame count, TOC, delay and padding. Decoders that read LAME's tag then
return exactly as many samples as were encoded.
"""

from collections.abc import Sequence
from typing import ClassVar

from fastcrc import crc16

from ..codecs.base import Codec, Packet
from ..codecs.mp3 import Mp3Codec
from ..description import Description
from ..options import OutputOptions
from . import id3, mpeg_audio
from .base import REPEATABLE_TAGS, TAGS, Finish, MuxerSpec
from .mp3_info import InfoFrame, SeekTable, Totals
from .room import Room


class Mp3Muxer:
    """Writes frames, and counts frames and bytes for the Info frame of the final header."""

    spec: ClassVar[MuxerSpec] = MuxerSpec(
        tags=TAGS, repeatable_tags=REPEATABLE_TAGS, takes_pictures=True, takes_marker_urls=True, finalizes_header=True
    )

    def __init__(self, output: OutputOptions, codec: Codec) -> None:
        assert isinstance(codec, Mp3Codec)
        self._room = Room(id3.frames, output.description, output.metadata_bytes)
        self._info = InfoFrame(
            sample_rate=output.sample_rate_hz,
            channels=output.channels,
            bitrate_bps=output.bitrate_bps,
            vbr_level=codec.vbr_level,
            effort_level=codec.effort_level,
            encoder="LAME3.100",
        )
        self._delay_samples = codec.delay_samples
        self._frame_samples = codec.frame_samples
        self._walker = mpeg_audio.FrameWalker()
        self._seek_table = SeekTable()
        self._crc = 0

    @property
    def samples_out(self) -> int:
        return self._seek_table.frames * self._frame_samples

    def start(self) -> bytes:
        return self._id3v2() + self._info.silent()

    def describe(self, description: Description) -> None:
        self._room.replace(description)

    def write(self, packets: Sequence[Packet]) -> bytes:
        data = b"".join([packet.data for packet in packets])
        for size in self._walker.walk(data):
            self._seek_table.add(size)
        self._crc = crc16.arc(data, self._crc)
        return data

    def flush(self) -> bytes:
        return b""  # LAME's flush ends the stream: it empties the bit reservoir and pads the frame

    def finish(self, packets: Sequence[Packet], samples: int) -> Finish:
        rest = self.write(packets)
        table = self._seek_table
        padding = self.samples_out - self._delay_samples - samples
        totals = Totals(
            frames=table.frames,
            music_bytes=table.bytes,
            music_crc=self._crc,
            toc=table.toc(self._info.size),
            delay_samples=self._delay_samples,
            padding_samples=padding,
        )
        return Finish(
            header=self._id3v2() + self._info.final(totals),
            trailer=rest + id3.id3v1(self._room.description),
            padding_samples=padding,
        )

    def _id3v2(self) -> bytes:
        return id3.tag(self._room.content, self._room.spare)
