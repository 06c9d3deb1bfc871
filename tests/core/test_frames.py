"""FrameCutter: frames of equal size from samples cut anywhere."""

import numpy as np
import pytest
from audiowriter_core.audio.frames import FrameCutter
from hypothesis import given
from hypothesis import strategies as st

SIZE = 5


@pytest.mark.parametrize("holds_last", [False, True])
@given(lengths=st.lists(st.integers(0, 12), max_size=8))
def test_frames_and_remainder_are_the_samples_in_order(holds_last: bool, lengths: list[int]) -> None:
    samples = np.arange(sum(lengths)).reshape(-1, 1)
    cutter, frames, taken = FrameCutter(SIZE, holds_last=holds_last), [], 0
    for length in lengths:
        wanted = cutter.wanted
        cut = list(cutter.cut(samples[taken : taken + length]))
        assert bool(cut) == (length >= wanted)
        frames += cut
        taken += length
        assert len(frames) == (max(0, taken - 1) if holds_last else taken) // SIZE
    assert all(len(frame) == SIZE for frame in frames)
    rest = cutter.rest()
    assert (rest is None) == (taken == 0 or (not holds_last and taken % SIZE == 0))
    np.testing.assert_array_equal(np.concatenate([*frames, samples[:0] if rest is None else rest]), samples[:taken])
