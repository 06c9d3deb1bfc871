"""The list of phrases in lab/documents/words.py finds what it should, leaves good English alone and is consistent."""

import subprocess
from pathlib import Path

import pytest

from lab.documents import words

EXAMPLES = [
    "samples a channel",
    "64000 bits a second",
    "ms a second",
    "One file a format",
    "one line a call",
    "one a stream",
    "a frame at the least, and more",
    "some 4 KiB",
    'help="Most PCM in one message"',
    "taken in so far",
    "how it is told when it ends",
    "told = 1",
    "as ListFormats tells it",
    "what a format says of itself",
    "is ended by name",
    "a setting that won't do",
    "the value and what would do",
    "a test holds that",
    "held against every decoder",
    "nobody need call it",
    "for nobody has to wait",
    "all that strangers wrote",
    "little to die of",
    "loud syllables are starved",
    "which listens as well",
    "resamples as it likes",
    "take no place",
    "stands in the log",
    "no message of a stream",
    "the very samples",
    "what is to be heard",
    "a header that is made true",
    "makes the file whole",
    "makes no claims",
    "libogg deems it full",
    "grows, but for corrections",
    "whether or not it has totals",
    "without which it returns nothing",
    "begins anew",
    "may wait with its first message",
    '"""Give the packets."""',
    "run; give the exit code",
    "give back the samples",
    "hands out a page",
    "mended in the next version",
]

PLAIN = [
    "samples per channel",
    "once a second, twice a minute, a hundred times a second",
    "takes a second of audio",
    "at the most recent commit",
    "three of them stand in for the others",
    "untold, amended, retold",
    "some of the frames, and some hours later",
    "Most of the time is spent in gRPC",
    "a client that has no message to send",
    "give each worker a port",
]


@pytest.mark.parametrize("text", EXAMPLES)
def test_a_phrase_of_the_list_is_found(text: str) -> None:
    assert len(words.find(text)) == 1


@pytest.mark.parametrize("text", PLAIN)
def test_good_english_is_left_alone(text: str) -> None:
    assert words.find(text) == []


def test_every_entry_has_an_example() -> None:
    unused = [entry.pattern for entry, _ in words.COMPILED if not any(map(entry.search, EXAMPLES))]
    assert unused == []


def test_no_alternative_is_a_phrase_of_the_list() -> None:
    assert [instead for _, instead in words.WORDS if words.find(instead)] == []


@pytest.mark.parametrize("newline", ["\n", "\n    # ", "\n// ", "\n * ", "\n> "])
def test_a_phrase_is_found_across_a_line_break(newline: str) -> None:
    (finding,) = words.find(f"# first\n# samples a{newline}channel")
    assert finding.line == 2


@pytest.mark.parametrize(
    ("name", "checked"),
    [
        ("core/audiowriter_core/encoder.py", True),
        ("client/go/writer.go", True),
        (".github/workflows/ci.yml", True),
        ("proto/audiowriter/v1/audio_writer.proto", True),
        ("proto/audiowriter/v1/audio_writer_pb2_grpc.py", False),
        ("client/go/gen/audiowriter/v1/audio_writer.pb.go", False),
        ("client/typescript/src/generated/audio_writer.ts", False),
        ("lab/documents/words.py", False),
        ("docs/performance.svg", False),
    ],
)
def test_generated_code_and_the_list_itself_are_not_checked(name: str, checked: bool) -> None:
    assert words.is_checked(name) is checked


def test_each_finding_is_one_line_with_file_and_alternative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(words, "ROOT", tmp_path)
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    (tmp_path / "guide.md").write_text("Fine.\n\nThe caller is told.\n")
    (tmp_path / "untracked.md").write_text("told\n")
    subprocess.run(["git", "-C", tmp_path, "add", "guide.md"], check=True)

    assert words.main([]) == 1
    printed = capsys.readouterr().out
    assert printed.startswith('guide.md:3: "told": write reported')
    assert printed.count("\n") == 1

    (tmp_path / "guide.md").write_text("The caller gets a status.\n")
    assert words.main([]) == 0
    assert words.main([str(tmp_path / "untracked.md")]) == 1
