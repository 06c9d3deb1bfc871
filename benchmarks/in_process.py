"""Measures AudioEncoder in this process against the bare codec, in blocks of 1 s.

python benchmarks/in_process.py
"""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import engines
import numpy as np
import soundfile
from audiowriter_core import AudioEncoder
from cases import CASES, RATE, Case

SPEECH = Path(__file__).parents[1] / "demo" / "speech.flac"
SECONDS = 10
BLOCK_MS = 1000
ROUNDS = 9


def measure(case: Case, pcm: bytes) -> dict[str, float]:
    """Return CPU time per second of audio, in ms, of both: the best of several rounds, measured in turn."""
    ours, bare = [], []
    for _ in range(ROUNDS):
        bare.append(_cpu_ms(*engines.ENGINES[case.name](case, pcm, RATE * 2 * BLOCK_MS // 1000)))
        ours.append(_cpu_ms(*_encoder(case, pcm)))
    return {"ours": min(ours), "bare": min(bare)}


def _encoder(case: Case, pcm: bytes) -> tuple[Callable[[Any], Any], Sequence[Any]]:
    name = case.name.removeprefix("ogg_")
    encoder = AudioEncoder(format=name, sample_rate_hz=RATE, bitrate_bps=case.bitrate_bps or None)
    encoder.start()
    size = RATE * 2 * BLOCK_MS // 1000
    return encoder.write, [pcm[start : start + size] for start in range(0, len(pcm), size)]


def _cpu_ms(encode: Callable[[Any], Any], blocks: Sequence[Any]) -> float:
    begin = time.process_time()
    for block in blocks:
        encode(block)
    return (time.process_time() - begin) * 1000 / SECONDS


def speech() -> bytes:
    """Return SECONDS of speech."""
    samples, _ = soundfile.read(SPEECH, dtype="int16")
    return np.resize(samples, RATE * SECONDS).tobytes()


def main() -> int:
    """Print one line per format."""
    pcm = speech()
    print(f"CPU per second of audio in blocks of {BLOCK_MS} ms, in ms")
    for name, case in CASES.items():
        ms = measure(case, pcm)
        print(f"{name:12} ours {ms['ours']:6.2f}  bare codec {ms['bare']:6.2f}  {ms['ours'] / ms['bare']:.2f} ×")
    return 0


if __name__ == "__main__":
    sys.exit(main())
