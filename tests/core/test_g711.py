"""G.711 compared with third-party tables."""

import numpy as np
import pytest
from support.decode import JUDGES
from support.encode import config, encode

EVERY_SAMPLE = np.arange(-(2**15), 2**15, dtype="<i2")


@pytest.mark.parametrize("name", ["mulaw", "alaw", "wav-mulaw", "wav-alaw"])
def test_each_sample_decodes_within_half_a_step(name: str) -> None:
    decoded = JUDGES[name](encode(config(name), EVERY_SAMPLE.tobytes()).file)[:, 0]
    error = np.abs(decoded.astype(int) - EVERY_SAMPLE)
    # A step is a sixteenth of its segment, and a segment starts at half of its end; 132 is the bias of µ-law.
    assert (error <= (np.abs(EVERY_SAMPLE.astype(int)) + 132) / 16).all()


@pytest.mark.parametrize(("name", "silence"), [("mulaw", b"\xff"), ("alaw", b"\xd5")])
def test_silence_is_that_of_the_recommendation(name: str, silence: bytes) -> None:
    assert encode(config(name, 8000), bytes(4)).file == silence * 2


@pytest.mark.parametrize(("name", "tag"), [("wav-mulaw", 7), ("wav-alaw", 6)])
def test_wav_has_its_format_tag_and_a_fact_chunk(name: str, tag: int) -> None:
    file = encode(config(name, 8000), EVERY_SAMPLE[:101].tobytes()).file
    fmt = file.index(b"fmt ")
    assert int.from_bytes(file[fmt + 8 : fmt + 10], "little") == tag
    fact = file.index(b"fact")
    assert int.from_bytes(file[fact + 8 : fact + 12], "little") == 101
    assert len(file) % 2 == 0
