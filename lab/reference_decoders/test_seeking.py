"""Seeking in Ogg Opus with FFmpeg, compared with opusenc's file of the same audio."""

from pathlib import Path

import numpy as np
import soundfile
from audiowriter.v1.audio_writer_pb2_grpc import AudioWriterServiceStub

from lab.reference_decoders import layouts
from lab.reference_decoders.product import Order, make
from lab.reference_decoders.signals import tones
from lab.reference_decoders.test_layouts import FORMATS
from lab.reference_decoders.tools import run

RATE = 48_000
SECONDS = 5
PAGES = 3
PRE_SKIP = 312
OFFSETS = (-961, -1, 0, 100, PRE_SKIP - 1, PRE_SKIP, 961)
"""Samples from the start of a page to the target of a seek."""


def lost(file: Path) -> dict[int, set[int]]:
    """Return the samples that FFmpeg drops after the target, by the target's distance from the start of a page.

    Uses pages other than the first, which needs no seek, and the last, at which FFmpeg never starts.
    """
    pages = list(layouts.ogg_pages(file.read_bytes()))
    starts = [page["granule"] - PRE_SKIP for page in pages[2:-2]][-PAGES:]
    return {offset: {_lost(file, start + offset) for start in starts} for offset in OFFSETS}


def _lost(file: Path, target: int) -> int:
    out, _ = run("ffmpeg", "-v", "error", "-ss", f"{target / RATE:.6f}", "-i", file, "-f", "f32le", "-")
    return RATE * SECONDS - target - len(out) // np.dtype("<f4").itemsize


def test_ffmpeg_drops_as_much_at_the_start_of_a_page_as_with_opusencs_file(
    server: AudioWriterServiceStub, tmp_path: Path
) -> None:
    """FFmpeg drops the pre-skip again from the first packet that it decodes, wherever that packet is in the file."""
    signal = tones(RATE, 1, RATE * SECONDS, 16)
    soundfile.write(tmp_path / "source.wav", signal, RATE, subtype="PCM_16")
    run("opusenc", "--quiet", tmp_path / "source.wav", tmp_path / "opusenc.opus")
    ours = lost(make(server, Order(FORMATS["opus"], RATE), signal, tmp_path).file)
    assert ours == lost(tmp_path / "opusenc.opus")
    assert {offset for offset, samples in ours.items() if samples != {0}} == {0, 100, PRE_SKIP - 1}
