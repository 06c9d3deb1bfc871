"""The serial of a stream: with the same serial, options, PCM and flushes, a stream has the same bytes."""

from itertools import pairwise
from random import Random

import pytest
from audiowriter_core import FORMATS, AudioEncoder, InvalidArgument
from support.decode import JUDGES
from support.encode import Encoded, Request, config, encode, run, speechlike
from support.ogg import pages

PCM = speechlike(48_000).tobytes()
OGG = ["vorbis", "opus", "ogg-flac"]
FLUSHES = {20_001, 60_000}
"""Positions in bytes; one of them is inside a sample."""


def cut_at(cuts: list[int], **options: object) -> Encoded:
    """Encode PCM that is cut at these positions and flushed at FLUSHES."""
    edges = sorted({0, len(PCM), *cuts, *FLUSHES})
    pieces = [Request(pcm=PCM[start:stop], flush=stop in FLUSHES) for start, stop in pairwise(edges)]
    return run([Request(config(**options)), *pieces])  # type: ignore[arg-type]


@pytest.mark.parametrize("name", list(FORMATS))
@pytest.mark.parametrize("out_rate", [24_000, 16_000])
def test_same_serial_and_flushes_give_the_same_bytes_however_the_pcm_is_cut(name: str, out_rate: int) -> None:
    random = Random(out_rate)
    whole = cut_at([], name=name, out_rate=out_rate, serial=7)
    for _ in range(3):
        cut = cut_at([random.randrange(len(PCM)) for _ in range(50)], name=name, out_rate=out_rate, serial=7)
        assert cut.live == whole.live
        assert cut.finished == whole.finished


@pytest.mark.parametrize("name", OGG)
@pytest.mark.parametrize("serial", [1, 0x01020304, 2**32 - 1])
def test_every_page_has_the_serial(name: str, serial: int) -> None:
    encoded = encode(config(name, serial=serial), PCM)
    assert {page.serial for page in pages(encoded.file)} == {encoded.started.serial} == {serial}
    assert len(JUDGES[name](encoded.file)) == len(PCM) // 2, "the checksums of the pages are correct"


def test_serials_are_random_and_never_0() -> None:
    serials = {encode(config("opus"), b"").started.serial for _ in range(50)}
    assert len(serials) == 50
    assert 0 not in serials


def test_serial_of_a_stream_without_a_sample_format_stays() -> None:
    encoder = AudioEncoder(format="opus", sample_rate_hz=24_000)
    before = encoder.options.output.serial
    encoder.write(speechlike(480))
    assert encoder.options.output.serial == before
    encoder.close()


@pytest.mark.parametrize("serial", [-1, 2**32, 1.5])
def test_bad_serial_is_refused(serial: int) -> None:
    with pytest.raises(InvalidArgument, match=r"serial=.*takes 1 to 4294967295"):
        AudioEncoder(**config("opus", serial=serial))
