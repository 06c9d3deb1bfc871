"""Opus frames of 2.5 to 60 ms, and pages of whole frames."""

from typing import Any

import numpy as np
import pytest
from support.decode import JUDGES
from support.encode import config, encode, resolve, speechlike

SPEECH = speechlike(24_000)
FRAMES_MS = [2.5, 5, 10, 20, 40, 60]


@pytest.mark.parametrize("name", ["opus", "webm"])
@pytest.mark.parametrize("frame_ms", FRAMES_MS)
def test_a_file_has_the_length_of_its_input_whatever_its_frames(name: str, frame_ms: float) -> None:
    encoded = encode(config(name, opus_frame_ms=frame_ms, page_ms=120), SPEECH.tobytes())
    decoded = JUDGES[name](encoded.file)
    assert len(decoded) == len(SPEECH)
    assert np.corrcoef(decoded[:, 0], SPEECH[:, 0])[0, 1] > 0.9


@pytest.mark.parametrize("frame_ms", FRAMES_MS)
def test_a_page_of_one_frame_holds_back_less_than_one_frame(frame_ms: float) -> None:
    encoded = encode(config("opus", opus_frame_ms=frame_ms, page_ms=frame_ms), SPEECH.tobytes(), range(0, 48_000, 120))
    frame = int(24 * frame_ms)
    *audio, _ = encoded.chunks[2:]
    assert max(chunk.input_samples for chunk in audio[:1]) <= 2 * frame + 60
    assert encoded.started.output.opus_frame_ms == frame_ms


@pytest.mark.parametrize(
    ("options", "frame_ms", "page_ms"),
    [
        ({}, 20, 100),
        ({"page_ms": 20}, 20, 20),
        ({"page_ms": 2.5}, 2.5, 2.5),
        ({"page_ms": 15}, 5, 15),
        ({"page_ms": 10}, 10, 10),
        ({"opus_frame_ms": 60}, 60, 60),
        ({"opus_frame_ms": 40}, 40, 80),
        ({"opus_frame_ms": 2.5}, 2.5, 100),
        ({"opus_frame_ms": 2.5, "page_ms": 20}, 2.5, 20),
    ],
)
def test_frames_are_as_long_as_pages_allow(options: dict[str, Any], frame_ms: float, page_ms: float) -> None:
    output = resolve(config("opus", **options)).output
    assert (output.opus_frame_ms, output.page_ms) == (frame_ms, page_ms)
