"""The table of formats, and what a row requires outside of the core. See "A new format" in CONTRIBUTING.md."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_client.formats import AUDIO_FORMATS
from audiowriter_core import FORMATS, Format, format_for_extension
from support.decode import JUDGES

from lab.reference_decoders.judges import JUDGES as ANALYSERS

ROOT = Path(__file__).parents[1]
GO_CONSTANTS = (ROOT / "client/go/gen/audiowriter/v1/audio_writer.pb.go").read_text()
DESIGN = (ROOT / "docs/design.md").read_text()
README = (ROOT / "README.md").read_text()
DOCUMENT = (ROOT / "docs/formats.md").read_text()


def missing(row: Format) -> Iterator[str]:
    """Yield one line per missing part of a format."""
    if row.number not in pb.AudioFormat.values():
        yield f"proto/audiowriter/v1/audio_writer.proto: AudioFormat has no value {row.number}"
    else:
        value = pb.AudioFormat.Name(row.number)
        if AUDIO_FORMATS.get(row.name) != value:
            yield "client/python/audiowriter_client/formats.py: run `make generate`"
        if not re.search(rf"\bAudioFormat_{value} +AudioFormat = {row.number}\b", GO_CONSTANTS):
            yield "client/go/gen: run `make generate` where go is on the PATH"
    if row.name not in JUDGES:
        yield "tests/support/decode.py: JUDGES has no decoder"
    if row.name not in ANALYSERS:
        yield "lab/reference_decoders/judges.py: JUDGES has no programs"
    if f"`{row.name}`" not in DESIGN:
        yield "docs/design.md: the table of codecs and muxers does not have it"
    if f"| `{row.name}` |" not in README:
        yield "README.md: run `make readme`"
    if f"| `{row.name}` |" not in DOCUMENT:
        yield "docs/formats.md: run `make formats-doc`"


def test_no_format_is_incomplete() -> None:
    lines = [f"{row.name}: {line}" for row in FORMATS.values() for line in missing(row)]
    assert not lines, "\n".join(["missing", *lines])


def test_missing_parts_of_a_new_row_are_listed() -> None:
    row = replace(FORMATS["wav"], name="new", extensions=(".new",))
    places = [line.partition(":")[0] for line in missing(row)]
    assert places == [
        "client/python/audiowriter_client/formats.py",
        "tests/support/decode.py",
        "lab/reference_decoders/judges.py",
        "docs/design.md",
        "README.md",
        "docs/formats.md",
    ]
    assert next(missing(replace(row, number=99))).startswith("proto/audiowriter/v1/audio_writer.proto: ")


def test_rows_are_in_order_and_an_extension_selects_its_first_row() -> None:
    assert [row.number for row in FORMATS.values()] == list(range(1, len(FORMATS) + 1))
    assert format_for_extension(".WAV") is FORMATS["wav"]
    assert format_for_extension(".mp4") is FORMATS["fmp4"]
    assert format_for_extension(".xyz") is None
