"""Draw what the recorders in examples/ write, as docs/recordings.svg: `make recordings-doc`.

    python -m lab.documents.recordings

The tests of the examples make the files, and check that the speakers are in time to the millisecond.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from audiowriter_core.audio.sample_types import Samples
from numpy.typing import NDArray
from support.decode import JUDGES

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "docs" / "recordings.svg"

PANELS = (
    ("twilio_becomes", "call.mp3", "Twilio Media Streams, out of order once: MP3", ("caller", "agent")),
    ("rtp_with_losses", "call.flac", "RTP, five packets of 20 ms lost at 1.2 s, six reordered: FLAC", ("call",)),
    ("conversation", "call.flac", "Conversation, the user's clock is 200 ppm fast: FLAC", ("user", "agent")),
)
"""Test, file, title and channels."""

RATE = 8000
_WIDTH, _HEIGHT, _LEFT, _POINTS = 900, 60, 60, 820


def main() -> None:
    """Run the tests, and draw their files."""
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, "-m", "pytest", "-q", "tests/examples/test_recorders.py", f"--basetemp={name}/files"]
        subprocess.run([*command, "-o", "tmp_path_retention_policy=all"], cwd=ROOT, check=True)
        lines = list(_panels(Path(name) / "files"))
    height = 30 + sum(30 + _HEIGHT * len(panel[3]) for panel in PANELS)
    box = f'viewBox="0 0 {_WIDTH} {height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {box} font-family="sans-serif" font-size="12">'
    TARGET.write_text("\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *lines, "</svg>\n"]))


def _panels(folder: Path) -> Iterator[str]:
    top = 10
    for test, file, title, names in PANELS:
        path = next(folder.glob(f"*{test}*/{file}"))  # a second one is a link
        samples = JUDGES[path.suffix[1:]](path.read_bytes())
        yield f'<text x="{_LEFT}" y="{top + 14}">{title}; {len(samples) / RATE:g} s</text>'
        top += 20
        for name, channel in zip(names, samples.T, strict=True):
            yield f'<text x="4" y="{top + _HEIGHT / 2 + 4}">{name}</text>'
            yield f'<path d="{_outline(channel, top)}" fill="#3465a4"/>'
            top += _HEIGHT
        top += 10


def _outline(channel: NDArray[Any] | Samples, top: int) -> str:
    """Return the highest and lowest samples of each column as a closed path."""
    parts = np.array_split(channel.astype(float), _POINTS)
    scale = (_HEIGHT / 2 - 3) / max(1e-9, float(np.abs(channel.astype(float)).max()))
    middle = top + _HEIGHT / 2
    upper = [f"{_LEFT + x},{middle - part.max() * scale - 0.3:.1f}" for x, part in enumerate(parts)]
    lower = [f"{_LEFT + x},{middle - part.min() * scale + 0.3:.1f}" for x, part in enumerate(parts)]
    return f"M{' L'.join(upper + lower[::-1])}Z"


if __name__ == "__main__":
    main()
