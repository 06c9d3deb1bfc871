"""Starts a real server in its own process: grpc.aio supports one event loop per process, which the tests use."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import settings
from numpy.typing import NDArray

# The default of 200 ms per example fails on a busy machine. pytest's timeout ends tests that hang.
settings.register_profile("without deadline", deadline=None)
settings.load_profile("without deadline")


@contextmanager
def running_server() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "audiowriter_server", "--host", "127.0.0.1", "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        line = next((line for line in process.stderr if "listening on " in line), None)
        assert line is not None, f"the server ended with {process.wait(10)}"
        yield line.rpartition(" ")[2].strip(), process
    finally:
        process.kill()
        process.communicate(timeout=10)


@pytest.fixture(scope="session")
def target() -> Iterator[str]:
    with running_server() as (target, _):
        yield target


@pytest.fixture
def own_server() -> Iterator[tuple[str, Callable[[], None]]]:
    """Start a server that a test may kill; yield its target and a function that kills it."""
    with running_server() as (target, process):
        yield target, process.kill


@pytest.fixture(scope="session")
def samples() -> NDArray[np.int16]:
    """Return three seconds of mono at 24 kHz: a chord with noise, which lossless codecs cannot compress to nothing."""
    time = np.arange(3 * 24000) / 24000
    chord = sum(np.sin(2 * np.pi * pitch * time) for pitch in (220, 277.2, 329.6)) / 4
    noise = np.random.default_rng(1).normal(0, 0.01, len(time))
    return np.round((chord + noise) * 32767).clip(-32768, 32767).astype(np.int16)


@pytest.fixture
def names(tmp_path: Path) -> Callable[[], list[str]]:
    """Return a function that lists the names of the files in tmp_path."""
    return lambda: sorted(path.name for path in tmp_path.iterdir())


@pytest.fixture
def speech(tmp_path: Path, samples: NDArray[np.int16]) -> Path:
    path = tmp_path / "in.wav"
    soundfile.write(path, samples, 24000, subtype="PCM_16")
    return path
