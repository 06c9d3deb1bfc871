"""Sample formats: bytes to arrays and back, and conversion between every two of them."""

from itertools import product

import numpy as np
import pytest
from audiowriter_core.audio.sample_types import (
    F32LE,
    F64LE,
    G711,
    S16LE,
    S24LE,
    S32LE,
    SAMPLE_TYPES,
    U8,
    SampleType,
    convert,
    pack,
    unpack,
)
from hypothesis import given
from hypothesis import strategies as st

KINDS = list(SAMPLE_TYPES.values())
LINEAR = [kind for kind in KINDS if kind not in G711]
INTEGERS = [U8, S16LE, S24LE, S32LE]
by_name = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


@by_name
@given(data=st.data())
def test_unpack_and_pack_return_the_same_bytes(kind: SampleType, data: st.DataObject) -> None:
    raw = data.draw(st.binary(min_size=2 * kind.width, max_size=2 * kind.width))
    samples = unpack(raw, kind, 2)
    assert samples.shape == (1, 2)
    assert pack(samples, kind) == raw


def test_24_bits_are_the_high_bits_of_an_int32() -> None:
    assert unpack(b"\x01\x02\x83", S24LE, 1)[0, 0] == np.int32(np.uint32(0x83020100).astype(np.int32))


def extremes(kind: SampleType) -> tuple[object, object, object]:
    """Return the lowest sample, zero and the highest sample."""
    if kind.is_float:
        return -1.0, 0.0, 1.0
    if kind is U8:
        return 0, 128, 255
    step = 256 if kind is S24LE else 1
    limits = np.iinfo(kind.dtype)
    return limits.min, 0, limits.max - step + 1


@pytest.mark.parametrize(("source", "target"), list(product(LINEAR, LINEAR)), ids=lambda kind: kind.name)
def test_extremes_are_converted_to_extremes(source: SampleType, target: SampleType) -> None:
    came = np.array([extremes(source)], source.dtype).T
    got = convert(came, source, target)
    assert got.dtype == target.dtype
    lowest, zero, highest = extremes(target)
    assert (got[0, 0], got[1, 0]) == (lowest, zero)
    if source.is_float or (target.bits <= source.bits and not target.is_float):
        assert got[2, 0] == highest
    else:
        one_step = 2.0 ** (1 - source.bits)
        full = 1.0 if target.is_float else 2.0 ** (8 * target.dtype.itemsize - 1)
        middle = 128 if target is U8 else 0
        assert (got[2, 0] - middle) / full == pytest.approx(1 - one_step)


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [(a, b) for a, b in product(INTEGERS, LINEAR) if b.bits > a.bits or (b is F32LE and a.bits <= 24)],
    ids=lambda kind: kind.name,
)
def test_conversion_to_a_wider_type_and_back_is_exact(narrow: SampleType, wide: SampleType) -> None:
    if wide is F32LE and narrow is S32LE:
        pytest.skip("24 bits of mantissa")
    rng = np.random.default_rng(3)
    limits = np.iinfo(narrow.dtype)
    came = rng.integers(limits.min, limits.max, (1000, 2), narrow.dtype, endpoint=True)
    if narrow is S24LE:
        came &= ~np.int32(255)
    np.testing.assert_array_equal(convert(convert(came, narrow, wide), wide, narrow), came)


def test_narrowing_rounds_to_nearest() -> None:
    came = np.array([[0x7FFF], [0x8000], [0x17FFF], [-0x8001], [-0x8000]], "<i4")
    assert convert(came, S32LE, S16LE)[:, 0].tolist() == [0, 1, 1, -1, 0]


def test_floats_beyond_full_scale_are_clipped_only_in_integers() -> None:
    came = np.array([[1.5], [-1.5]], "<f4")
    assert convert(came, F32LE, S16LE)[:, 0].tolist() == [32767, -32768]
    assert convert(came, F32LE, F64LE)[:, 0].tolist() == [1.5, -1.5]
