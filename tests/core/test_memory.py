"""An encoder takes no more memory than `memory_bytes` says."""

import ctypes
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from audiowriter_core import FORMATS, AudioEncoder

_ENCODERS = 4

CODECS = {kind.codec: name for name, kind in FORMATS.items()}.values()
"""One format of each codec."""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("name", "change"), [*product(CODECS, ["", "resampled"]), ("pcm", "limited"), ("pcm", "measured")]
)
def test_memory_is_bounded(name: str, change: str) -> None:
    """In a process of its own, because another test's free memory would be used."""
    # Without variables, because coverage would start itself and be measured, too.
    output = subprocess.check_output([sys.executable, __file__, name, change], env={})
    measured, bound = map(float, output.split())
    assert measured <= bound


def _largest(name: str, change: str) -> AudioEncoder:
    codec = FORMATS[name].codec
    rate = max(codec.sample_rates)
    if change != "resampled":
        level: dict[str, Any] = {"true_peak_limit_dbtp": -1 if change == "limited" else None}
        level["measure_loudness"] = change == "measured"
        return AudioEncoder(format=name, sample_rate_hz=min(rate, 192_000), channels=max(codec.channels), **level)
    rates = (8000, 192_000) if rate > 192_000 else (192_000, 16_000)
    return AudioEncoder(
        format=name, sample_rate_hz=rates[0], output_sample_rate_hz=rates[1], channels=max(codec.channels)
    )


def _resident_bytes() -> int:
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def _measure(name: str, change: str) -> None:
    with _largest(name, change) as first:  # loads the codec's library
        first.write(bytes(first.cost.slice_bytes))
    before = _resident_bytes()
    encoders = [_largest(name, change) for _ in range(_ENCODERS)]
    for encoder in encoders:
        for _ in range(100):
            encoder.write(bytes(encoder.cost.slice_bytes))
    print((_resident_bytes() - before) / _ENCODERS, encoders[0].cost.memory_bytes)


if __name__ == "__main__":
    _measure(sys.argv[1], sys.argv[2])
