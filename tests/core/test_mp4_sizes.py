"""MP4: sizes and durations of 32 and of 64 bits."""

from io import SEEK_CUR
from pathlib import Path
from struct import unpack_from

import av
import numpy as np
import pytest
from audiowriter_core.codecs.aac import AacCodec
from audiowriter_core.muxers.mp4 import movie as mp4
from audiowriter_core.muxers.mp4.boxes import joined, media_header
from audiowriter_core.muxers.mp4.m4a import M4aMuxer
from audiowriter_core.muxers.mp4.movie import SampleTable, Track
from audiowriter_core.packet_encoder import PacketEncoder
from support.encode import config, encode, resolve, speechlike
from support.mp4 import Box, boxes, find, fragments, has, movie, without_data_stream

PRIMING = 1024

both = pytest.mark.parametrize("name", ["m4a", "fmp4"])

TIMED_BOXES = (("mvhd",), ("trak", "tkhd"), ("trak", "mdia", "mdhd"), ("trak", "edts", "elst"))


def versions(moov: Box) -> set[int]:
    return {find(moov, *path)[0] for path in TIMED_BOXES}


@both
def test_a_small_file_has_32_bit_sizes_and_version_0_boxes(name: str) -> None:
    encoded = encode(config(name), speechlike(30000).tobytes())
    for file in (encoded.live, encoded.file):
        assert 1 not in {unpack_from(">I", file, box.start)[0] for box in boxes(file)}, "1: a 64-bit size follows"
        moov = movie(file)
        assert versions(moov) == {0}
        assert has(Box(b"stbl", 0, find(moov, "trak", "mdia", "minf", "stbl")), "stco")


@pytest.mark.parametrize(("samples", "version"), [(2**32 - 2 - PRIMING, 0), (2**32 - 1 - PRIMING, 1)])
def test_durations_beyond_32_bits_have_version_1_boxes(samples: int, version: int) -> None:
    track = Track(96000, 1, 64_000, b"", 1024, PRIMING)
    assert versions(movie(joined(mp4.movie(track, SampleTable(track, 0, 0), samples)))) == {version}


@pytest.mark.parametrize(
    ("media_bytes", "expected"),
    [
        (0, "00000008 66726565 00000008 6d646174"),
        (2**32 - 9, "00000008 66726565 ffffffff 6d646174"),
        (2**32 - 8, "00000001 6d646174 00000001 00000008"),
    ],
)
def test_media_beyond_4_gib_has_a_64_bit_size(media_bytes: int, expected: str) -> None:
    assert media_header(media_bytes).hex(" ", 4) == expected


HOLE = 2**32


class HeadBeforeHole(bytes):
    """Bytes that are followed by a hole of 4 GiB."""

    def __len__(self) -> int:
        return super().__len__() + HOLE


class MuxerWithHole(M4aMuxer):
    def start(self) -> bytes:
        return HeadBeforeHole(super().start())


def test_a_file_beyond_4_gib_is_read(tmp_path: Path) -> None:
    output = resolve(config("m4a")).output
    codec = AacCodec(output)
    encoder = PacketEncoder(output, codec, MuxerWithHole(output, codec))
    fragments_of_live = encoder.encode(speechlike(24000).astype(np.float32) / 32768)
    end = encoder.finish()
    encoder.close()
    path = tmp_path / "sparse.m4a"
    with path.open("wb") as file:
        file.write(encoder.start())
        file.seek(HOLE, SEEK_CUR)
        file.write(fragments_of_live + b"".join(piece[:] for piece in end.tail))
        file.seek(0)
        file.write(end.header)
    with av.open(path) as container:
        packets = [without_data_stream(bytes(packet)) for packet in container.demux(audio=0) if packet.size]
    live = encode(config("m4a"), speechlike(24000).tobytes()).live
    assert packets == [frame for fragment in fragments(live) for frame in fragment.frames]
