"""Put the tables that are made from code and measurements into README.md, between their markers. `make readme` runs this."""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from audiowriter_server.encoders import ENCODERS
from audiowriter_server.encoders.base import FormatSpec

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
WHAT = {
    "wav": "WAV (RF64 beyond 4 GiB)",
    "vorbis": "Ogg Vorbis",
    "opus": "Ogg Opus",
    "flac": "FLAC, 16 and 24 bits",
    "mp3": "MP3, CBR and VBR",
    "aac": "AAC in ADTS",
    "pcm": "raw PCM",
    "wav-mulaw": "G.711 µ-law in WAV",
    "wav-alaw": "G.711 A-law in WAV",
    "mulaw": "raw G.711 µ-law",
    "alaw": "raw G.711 A-law",
    "m4a": "AAC in M4A",
    "fmp4": "AAC in fragmented MP4",
    "webm": "Opus in WebM",
}


def main() -> int:
    """Rewrite README.md; with --check only say whether that would change it."""
    before = README.read_text()
    after = between(between(before, "formats", formats()), "figures", figures())
    if "--check" in sys.argv:
        return int(after != before)
    README.write_text(after)
    return 0


def formats() -> str:
    """One line a format, in the order of the table."""
    lines = [
        "| format | `--format` | rates, kHz | channels | decoded length | header at the end | tags |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [row(encoder.spec) for encoder in ENCODERS.values()]
    return "\n".join(lines)


def figures() -> str:
    """The table of the published measurement."""
    command = [sys.executable, ROOT / "benchmarks" / "table.py"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def row(spec: FormatSpec) -> str:
    """What a reader wants to know before choosing."""
    return line(
        (
            WHAT[spec.name],
            f"`{spec.name}`",
            f"{min(spec.sample_rates) / 1000:g}–{max(spec.sample_rates) / 1000:g}",
            f"1–{max(spec.channels)}" if len(spec.channels) > 1 else "1",
            "bit-exact" if spec.lossless else "to the sample" if spec.sample_exact else "delay and padding told",
            "yes" if spec.finalizes_header else "not needed",
            "yes" if spec.tags else "–",
        )
    )


def line(cells: Iterable[str]) -> str:
    """One line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def between(text: str, name: str, content: str) -> str:
    """Replace what stands between <!-- name:begin --> and <!-- name:end -->."""
    pattern = rf"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)"
    return re.sub(pattern, lambda found: f"{found[1]}{content}\n{found[2]}", text, flags=re.DOTALL)


if __name__ == "__main__":
    sys.exit(main())
