"""Any options, tags and samples: an AudioEncoder writes the file, or refuses a field by name. Nothing else is raised."""

from typing import Any

import numpy as np
import pytest
from audiowriter_core import FORMATS, AudioEncoder, InvalidArgument
from audiowriter_core.audio.sample_types import SAMPLE_TYPES
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

RATES = st.sampled_from([1000, 7350, 8000, 11025, 22050, 24000, 44100, 48000, 96000, 384000, 768000]) | st.integers(
    1000, 768_000
)
NUMBERS = ["0", "255", "999", "(12)", "((x", "CR", "1/2", "²", "٣", "1_0", "2024-13-45", "1" * 5000, "(1)" * 2000]
TEXT = st.text(st.characters(), max_size=20) | st.sampled_from([*NUMBERS, "", "\0", "\ufffe", "é" * 30_000])


@st.composite
def options(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """Options of a format, most of them valid."""
    kind = FORMATS[name]
    codec, container = kind.codec, kind.container
    chosen: dict[str, Any] = {
        "format": name,
        "sample_rate_hz": draw(RATES),
        "channels": draw(st.integers(1, 8)),
        "sample_format": draw(st.sampled_from(list(SAMPLE_TYPES))),
        "output_sample_rate_hz": draw(st.none() | st.sampled_from(codec.sample_rates)),
        "output_channels": draw(st.sampled_from([None, 1, 2])),
        "output_sample_format": draw(st.none() | st.sampled_from([kind.name for kind in codec.sample_types])),
        "effort": draw(st.none() | st.integers(0, 10)) if codec.effort is not None else None,
        "page_ms": draw(st.none() | st.sampled_from(container.pages_ms)) if container.pages_ms else None,
        "tags": draw(st.dictionaries(st.sampled_from(kind.tags), TEXT, max_size=3)) if kind.tags else {},
    }
    if codec.takes_vbr_quality and draw(st.booleans()):
        chosen["vbr_quality"] = draw(st.floats(0, 1))
    elif codec.bitrates is not None:
        chosen["bitrate_bps"] = draw(st.none() | st.integers(*codec.bitrate_bounds))
    return chosen


@st.composite
def samples(draw: st.DrawFn, sample_format: str, channels: int) -> NDArray[Any]:
    """Samples of extreme values."""
    kind = SAMPLE_TYPES[sample_format]
    values: list[float]
    if kind.is_float:
        info = np.finfo(kind.dtype)
        values = [0, 1, -1, info.max, -info.max, info.tiny, -info.smallest_subnormal, 1e10, np.nan, np.inf]
        values = values[: draw(st.sampled_from([3, 8, 8, 8, 10]))]
    else:
        bits = 8 * kind.dtype.itemsize if kind.bits != 24 else 24
        low = 0 if kind.dtype.kind == "u" else -(2 ** (bits - 1))
        values = [low, low + 2**bits - 1, low + 2 ** (bits - 1)]
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    return rng.choice(np.array(values, kind.dtype), (draw(st.sampled_from([0, 1, 100, 3000])), channels))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_input_is_encoded_or_refused_by_name(name: str, data: st.DataObject) -> None:
    chosen = data.draw(options(name))
    try:
        with AudioEncoder(**chosen) as encoder:
            for _ in range(2):
                encoder.write(data.draw(samples(chosen["sample_format"], chosen["channels"])))
            encoder.flush()
            encoder.finish()
    except InvalidArgument as error:
        assert error.violations
        for violation in error.violations:
            assert len(violation.value) <= 64
            str(violation).encode()
