"""A stream that is encoded again has the same bytes, so that another server can go on with it.

They depend neither on how the PCM was cut, nor on the instructions that numpy and OpenBLAS choose for a CPU when they are
imported. So each choice needs a process of its own.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from itertools import product
from random import Random
from typing import Any

import numpy as np
import pytest
from audiowriter_core import FORMATS, AudioEncoder, Chunk, Finished

CUTS = (0, 960, 7001)
"""Bytes per write; 0: everything at once."""

CONVERSIONS: dict[str, dict[str, Any]] = {
    "kept": {"sample_rate_hz": 24_000, "channels": 1},
    "resampled and mixed": {
        "sample_rate_hz": 44_100,
        "channels": 6,
        "output_sample_rate_hz": 24_000,
        "output_channels": 2,
    },
    "limited": {"sample_rate_hz": 24_000, "channels": 1, "gain_db": 6, "true_peak_limit_dbtp": -3},
}

CPUS: dict[str, dict[str, str]] = {
    "without AVX-512": {"NPY_DISABLE_CPU_FEATURES": "AVX512", "OPENBLAS_CORETYPE": "Haswell"},
    "without AVX2": {"NPY_DISABLE_CPU_FEATURES": "AVX512 AVX2 FMA3", "OPENBLAS_CORETYPE": "Sandybridge"},
    "baseline": {"NPY_DISABLE_CPU_FEATURES": "", "OPENBLAS_CORETYPE": "Prescott"},
    "one thread": {"OPENBLAS_NUM_THREADS": "1"},
}
"""Features are the starts of numpy's names; "" are all that are not required."""


@pytest.fixture(scope="module")
def expected() -> dict[str, str]:
    return digests({})


@pytest.mark.parametrize("cpu", CPUS)
def test_bytes_do_not_depend_on_the_cpu_or_the_cut(cpu: str, expected: dict[str, str]) -> None:
    found = digests(CPUS[cpu])
    assert {name for name in expected if found[name] != expected[name]} == set()
    for name, conversion in product(FORMATS, CONVERSIONS):
        assert len({found[f"{name}, {conversion}, {cut}"] for cut in CUTS}) == 1, name
    assert len(found) == len(FORMATS) * len(CONVERSIONS) * len(CUTS)


def digests(variables: dict[str, str]) -> dict[str, str]:
    """Return the SHA-256 of each file, encoded by a process with these environment variables."""
    if "NPY_DISABLE_CPU_FEATURES" in variables:
        prefixes = tuple(variables["NPY_DISABLE_CPU_FEATURES"].split()) or ("",)
        disabled = [feature for feature in _features() if feature.startswith(prefixes)]
        variables = variables | {"NPY_DISABLE_CPU_FEATURES": " ".join(disabled)}
    output = subprocess.check_output([sys.executable, __file__], env=os.environ | variables)
    found: dict[str, str] = json.loads(output)
    return found


def _features() -> Iterator[str]:
    """Yield the CPU features that numpy uses here, and would do without."""
    umath = np._core._multiarray_umath  # type: ignore[attr-defined]
    return (feature for feature in umath.__cpu_dispatch__ if umath.__cpu_features__[feature])


def _pcm(samples: int) -> bytes:
    """Return a square wave with noise, made of integers: functions of floats depend on the CPU."""
    noise = np.frombuffer(Random(7).randbytes(samples), np.int8).astype(np.int16)
    wave = np.where(np.arange(samples) // 90 % 2, 6000, -6000).astype(np.int16)
    return (wave + 16 * noise).tobytes()


def _digest(name: str, conversion: str, cut: int) -> str:
    options = CONVERSIONS[conversion]
    pcm = _pcm(24_000 * options["channels"])
    digest = sha256()
    with AudioEncoder(format=name, serial=7, **options) as encoder:
        events = [
            event
            for start in range(0, len(pcm), cut or len(pcm))
            for event in encoder.write(pcm[start : start + (cut or len(pcm))])
        ]
        for event in (*events, *encoder.finish()):
            if isinstance(event, Chunk):
                digest.update(event.data)
            elif isinstance(event, Finished):
                digest.update(event.trailer + event.header)
    return digest.hexdigest()


if __name__ == "__main__":
    keys = product(FORMATS, CONVERSIONS, CUTS)
    print(
        json.dumps({f"{name}, {conversion}, {cut}": _digest(name, conversion, cut) for name, conversion, cut in keys})
    )
