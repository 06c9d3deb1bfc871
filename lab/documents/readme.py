"""Put generated tables into README.md, and the example into docs/write-a-client.md: `make readme`."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from audiowriter_core import FORMATS, Format

from lab.documents.markers import put

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "examples" / "node" / "client.mjs"


def main() -> int:
    """Rewrite the pages; with --check only return whether that would change one."""
    changed = False
    for name, texts in pages().items():
        page = ROOT / name
        before = after = page.read_text()
        for marker, text in texts.items():
            after = put(after, marker, text)
        changed = changed or after != before
        if "--check" not in sys.argv:
            page.write_text(after)
    return int(changed and "--check" in sys.argv)


def pages() -> dict[str, dict[str, str]]:
    """Return the generated texts of each page, by the name of their markers."""
    return {
        "README.md": {"formats": formats(), "figures": figures()},
        "docs/write-a-client.md": {"client": client()},
    }


def client() -> str:
    """Return the client for Node.js with its length."""
    program = CLIENT.read_text()
    return f"`{CLIENT.name}`, {len(program.splitlines())} lines:\n\n```js\n{program}```"


def formats() -> str:
    """Return one line per format, in the order of the table."""
    lines = [
        "| format | `--format` | rates, kHz | channels | decoded length | header at the end | tags |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [row(kind) for kind in FORMATS.values()]
    return "\n".join(lines)


def figures() -> str:
    """Return the table of the published measurement."""
    command = [sys.executable, str(ROOT / "benchmarks" / "table.py")]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def row(kind: Format) -> str:
    """Return the properties that matter for choosing a format."""
    codec = kind.codec
    return line(
        (
            kind.title,
            f"`{kind.name}`",
            f"{min(codec.sample_rates) / 1000:g}–{max(codec.sample_rates) / 1000:g}",
            f"1–{max(codec.channels)}" if len(codec.channels) > 1 else "1",
            "bit-exact" if kind.lossless else "to the sample" if kind.sample_exact else "delay and padding reported",
            "yes" if kind.finalizes_header else "not needed",
            "yes" if kind.tags else "–",
        )
    )


def line(cells: Iterable[str]) -> str:
    """Return one line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
