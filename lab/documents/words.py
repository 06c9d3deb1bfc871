"""Find phrases that are hard to read, and say what to write instead. `make words` runs this over every tracked file.

    python lab/documents/words.py              # all tracked source files and documents
    python lab/documents/words.py FILE ...     # these files only, as pre-commit calls it

Prints one line per finding, `file:line: "phrase": write …`, and exits with 1 if there is any.
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]

SUFFIXES = frozenset({".py", ".go", ".java", ".ts", ".proto", ".md", ".yaml", ".yml"})

GENERATED = re.compile(r"_pb2(?:_grpc)?\.py$|\.pb\.go$|(?:^|/)(?:gen|generated)/")
THE_LIST_ITSELF = ("lab/documents/words.py", "tests/test_words.py")

UNITS = (
    r"(?:bits?|bytes?|[KM]i?B|k?bit|samples?|[mµ]?s|time|CPU|messages?|streams?|calls?|checks?|threads?|entr(?:y|ies))"
)
COUNTED = r"(?:one|none|an?|1) (?:line|file|row|case|object|byte|entry|thread|process|event loop|loop|ping|frame|call)"
PERIODS = (
    r"(?:second|minute|hour|channel|core|sample|frame|packet|message|call|connection|stream|thread|process|worker)"
)

WORDS: tuple[tuple[str, str], ...] = (
    # What to find: a regular expression. Case is ignored, and a space also matches a line break in a comment.
    # What to write instead. No entry here may contain a phrase that another one finds.
    #
    # Rates and counts
    (rf"{UNITS} an? {PERIODS}", "'per': bits per second, samples per channel"),
    (rf"{COUNTED} an? (?:{PERIODS}|format|file|line|fragment|test|language)", "'per': one line per call"),
    (r"(?:one|none) an? (?:call|format|message|stream)", "'per': one per stream"),
    (r"at the (?:least|most)(?=[.,;:)]|$)", "at least, at most"),
    (r"some (?:\d[\d.,]*|ten|twenty|thirty|fifty|hundreds?)", "about"),
    (r"(?-i:(?<=\"|#|/|\|) ?Most) (?:PCM|CPU|samples|bytes|bits|channels|metadata|request|that)", "Maximum …"),
    (r"in so far", "so far, or as far as"),
    # Who says what to whom
    (r"told", "reported, returned, notified, configured: whatever happens here"),
    (r"(?:ListFormats|extension|header|finished|it|file|command)`? tells", "reports, determines"),
    (r"sa(?:y|ys|id) of", "describes, reports about"),
    (r"ended by name", "ended with a named error"),
    (r"won't do", "is invalid, is rejected"),
    (r"what would do", "what would be accepted"),
    (r"(?:a|the|which) tests? holds?", "a test checks"),
    (r"h(?:old|olds|eld) (?:\S+ ){0,4}against", "checked against, checked by"),
    # People who are none
    (r"nobody needs?", "is optional, is not needed"),
    (
        r"(?:for|by|harms|beat|asks?|tells?) nobody|nobody (?:can|has to|may|wants?)",
        "name the role: no client, no caller",
    ),
    (r"strangers?", "third parties, unauthenticated clients"),
    (r"die of", "crashes because of"),
    (r"starved", "gets too few (bits, time)"),
    (r"listens? as well", "scores equally well in listening tests"),
    (r"as (?:it|they) likes?", "as its defaults say"),
    # Place, being and having
    (r"tak(?:e|es|ing) no place|takes? (?:up )?a place", "does not count towards, counts towards"),
    (r"stands? (?:in(?! for)|on|there)\b", "is in, is on, is there"),
    (r"no (?:message|word|sign) of", "without, nothing about"),
    (r"the very (?:same|samples|bytes|ones?|file)", "exactly the same"),
    (r"(?:is|are|was|were|still) to be (?:heard|had|seen|found|done)", "is audible, is available"),
    (r"made true|made whole", "corrected, completed"),
    (
        r"makes? (?:a|the|its) files? whole|(?:take|takes|taken) for whole|(?:the|is the) file whole\b(?! file)",
        "complete",
    ),
    (r"makes? (?:no )?claims", "has (no) totals"),
    (r"deems?|deemed", "considers"),
    (r"(?<=,) but for", ", except for"),
    (r"whether or not it", "with or without"),
    (r"without which", "say what is needed, and for what"),
    (r"anew|afresh", "again"),
    (r"wait with (?:its|the|a)", "take to send"),
    # Verbs of functions
    (r"(?<=\"\"\")Give", "Return"),
    (r"(?<=;) give (?:the|its|it|all|an?|\d)", "; return"),
    (r"giv(?:e|es|en|ing) (?:back|out)", "return"),
    (r"hand(?:s|ed|ing)? out", "return, pass"),
    (r"mend(?:s|ed|ing)?", "fix"),
)

LINE_BREAK = r"(?:[ \t]+|[ \t]*\n[ \t]*(?:#|//|\*|>|\|)?[ \t]*)"


class Finding(NamedTuple):
    """One phrase of the list in a text."""

    line: int
    phrase: str
    instead: str


def pattern(phrase: str) -> re.Pattern[str]:
    """Compile an entry of WORDS: whole words, any case, spaces also across a line break."""
    starts, ends = r"(?<![A-Za-z])", r"(?![A-Za-z])"
    return re.compile(starts + f"(?:{phrase})".replace(" ", LINE_BREAK) + ends, re.IGNORECASE | re.MULTILINE)


COMPILED = tuple((pattern(phrase), instead) for phrase, instead in WORDS)


def find(text: str) -> list[Finding]:
    """Return what the list finds in a text, in the order of its lines."""
    findings, end = [], 0
    matches = ((found, instead) for compiled, instead in COMPILED for found in compiled.finditer(text))
    for found, instead in sorted(matches, key=lambda match: (match[0].start(), -match[0].end())):
        if found.start() >= end:  # else two entries found the same place
            findings.append(Finding(text.count("\n", 0, found.start()) + 1, " ".join(found[0].split()), instead))
            end = found.end()
    return findings


def is_checked(name: str) -> bool:
    """Whether a file, named relative to the project's folder, is written by hand and of a checked kind."""
    return Path(name).suffix in SUFFIXES and not GENERATED.search(name) and name not in THE_LIST_ITSELF


def tracked() -> list[str]:
    """Names of all tracked files, relative to the project's folder."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    return listed.stdout.split("\0")


def report(names: Iterable[str]) -> Iterator[str]:
    """Yield one line per finding in these files."""
    for name in filter(is_checked, names):
        path = ROOT / name
        if path.is_file():  # a tracked file may have been deleted
            for finding in find(path.read_text(encoding="utf-8")):
                yield f'{name}:{finding.line}: "{finding.phrase}": write {finding.instead}'


def main(arguments: Sequence[str]) -> int:
    """Print all findings; return 1 if there are any."""
    names = [Path(name).resolve().relative_to(ROOT).as_posix() for name in arguments] or tracked()
    lines = list(report(names))
    for line in lines:
        print(line)
    if lines:
        print(f"{len(lines)} phrases to rewrite; the list is in lab/documents/words.py", file=sys.stderr)
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
