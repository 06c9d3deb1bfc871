"""`make lab-fuzz-core`: Atheris searches for input that the core or the command does not bear.

Atheris is libFuzzer for Python: it keeps each input that reaches new lines of `audiowriter_core` and `audiowriter_cli`, and
changes it further. An input is the options of a stream and its PCM, or the first bytes of a file on stdin.

- Only InvalidArgument may be raised, with at least one violation. Nothing may crash or hang.
- PCM that is cut in two ways becomes the same file, or is refused both times.
- The body of a file is not longer than `AudioEncoder.output_bytes`, apart from headers and pages.

An input that breaks a rule is kept in build/fuzz; `python -m lab.fuzz.core FILE` runs it alone.
"""

import random
import sys
from collections.abc import Sequence
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

try:
    import atheris
except ModuleNotFoundError:
    sys.exit("lab-fuzz-core: atheris is missing: it needs Linux on x86-64 and Python 3.11 to 3.13")

with atheris.instrument_imports(include=["audiowriter_core", "audiowriter_cli"], enable_loader_override=False):
    from audiowriter_cli import sniffing, wav
    from audiowriter_cli.lookahead import LookAhead
    from audiowriter_core import AudioEncoder, Chunk, Event, Finished, InvalidArgument

    from lab.fuzz.options import Options, any_options

from support.ogg import without_serials

_FOLDER = Path("build/fuzz")
_MAX_PCM_BYTES, _MAX_MS = 200_000, 200
"""Limits of the PCM: its length, and the CPU time that the core expects, in ms."""
_SPOILT: tuple[Any, ...] = (
    None,
    -1,
    0,
    0.5,
    float("nan"),
    2**31,
    10**5000,
    "",
    "x",
    b"x",
    [],
    {},
    [("title", 1)],
    object(),
)
"""Values that most options do not accept."""

_SEEDS, _SEED_BYTES = 64, 300
"""Random inputs at the start: enough for options of every format."""

_PAGE_BYTES = 300
"""Maximum length of the header of a page, cluster or fragment, with the lengths of its packets."""
_SLACK_BYTES = 128 * 1024
"""Headers with tags, the samples that a codec adds, and the header and trailer of a short file."""


class Dice(random.Random):
    """Random choices that are determined by bytes. After the last byte, it always returns 0."""

    def __init__(self, data: bytes) -> None:
        super().__init__(0)
        self._file = BytesIO(data)

    def getrandbits(self, k: int, /) -> int:
        """Return the next `k` bits."""
        size = (k + 7) // 8
        return int.from_bytes(self._file.read(size)) & ((1 << k) - 1)

    def random(self) -> float:
        """Return a number from 0 to 1 with 16 bits."""
        return self.getrandbits(16) / 65_536

    def rest(self) -> bytes:
        """Return the bytes that were not used yet."""
        return self._file.read()


def try_one(data: bytes) -> None:
    """Try one input. Raises whatever breaks a rule."""
    dice = Dice(data)
    if dice.random() < 0.2:
        _recognise(dice.rest())
    else:
        _encode(dice)


def _recognise(data: bytes) -> None:
    kind = sniffing.recognise(_look_ahead(data))
    header = wav.read_header(_look_ahead(data))
    if header is not None:
        assert kind is None or kind.name in ("WAV", "MP3"), kind  # RF64 and ID3 before RIFF are recognised, too
        pcm, size = header
        assert pcm.frame_bytes > 0
        assert size is None or size >= 0


def _look_ahead(data: bytes) -> LookAhead:
    return LookAhead(cast(Any, BytesIO(data)))


def _encode(dice: Dice) -> None:
    options = any_options(dice)
    for _ in range(dice.choice((0, 0, 0, 1, 2))):
        options[dice.choice(sorted(options))] = dice.choice(_SPOILT)
    try:
        encoder = AudioEncoder(**options)
    except InvalidArgument as error:
        _check_refusal(error)
        return
    length = min(dice.choice((0, 1, 100, 5000, _MAX_PCM_BYTES)), int(_MAX_MS / encoder.cost.ms_per_byte))
    cuts = [sorted(dice.choices(range(length + 1), k=dice.randrange(6))) for _ in range(2)]
    flushes = dice.random() < 0.2
    piece = dice.rest() or b"\0"
    pcm = (piece * (length // len(piece) + 1))[:length]
    with encoder:
        limit = len(pcm) * encoder.cost.output_per_byte + _pages(encoder) * _PAGE_BYTES + _SLACK_BYTES
    first, second = (_file(options, pcm, cut, flushes=False) for cut in cuts)
    assert (first is None) == (second is None), f"only one of the cuts {cuts} is refused"
    if first is None or second is None:
        return
    assert without_serials(first) == without_serials(second), f"the file depends on the cuts {cuts}"
    if flushes:
        _file(options, pcm, cuts[0], flushes=True)
    assert len(first) <= limit, f"{len(first)} bytes, expected at most {limit}"


def _pages(encoder: AudioEncoder) -> int:
    """Return how many pages the longest PCM can have."""
    output = encoder.options.output
    shortest_ms = min(output.page_ms or 20.0, output.opus_frame_ms or 20.0, 1024_000 / output.sample_rate_hz)
    return 2 + int(_MAX_PCM_BYTES / encoder.cost.bytes_per_second * 1000 / shortest_ms)


def _file(options: Options, pcm: bytes, cuts: Sequence[int], *, flushes: bool) -> bytes | None:
    """Encode PCM that is cut at these positions; return the file, or None if the PCM is refused."""
    body, edges = bytearray(), [0, *cuts, len(pcm)]
    try:
        with AudioEncoder(**options) as encoder:
            for start, stop in pairwise(edges):
                body += _bytes(encoder.write(pcm[start:stop]))
                if flushes:
                    body += _bytes(encoder.flush())
            events = encoder.finish()
    except InvalidArgument as error:
        _check_refusal(error)
        return None
    finished = events[-1]
    assert isinstance(finished, Finished)
    body += _bytes(events) + finished.trailer
    assert len(body) == finished.file_bytes
    body[: len(finished.header)] = finished.header
    return bytes(body)


def _bytes(events: Sequence[Event]) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, Chunk))


def _check_refusal(error: InvalidArgument) -> None:
    assert error.violations, "a refusal without a reason"
    assert all(len(violation.value) <= 64 for violation in error.violations)
    str(error).encode()


def main() -> None:
    """Run libFuzzer with the arguments of the process. It ends the process."""
    corpus = _FOLDER / "corpus"
    if not any(Path(argument).is_file() for argument in sys.argv[1:]):
        corpus.mkdir(parents=True, exist_ok=True)
        for seed in range(_SEEDS):  # libFuzzer would begin with inputs of a few bytes, which have no PCM
            (corpus / f"seed-{seed}").write_bytes(random.Random(seed).randbytes(_SEED_BYTES))
        sys.argv.append(str(corpus))
    defaults = ("-len_control=0", "-max_len=4096", "-timeout=30", "-rss_limit_mb=1024", f"-artifact_prefix={_FOLDER}/")
    atheris.Setup([sys.argv[0], *defaults, *sys.argv[1:]], try_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
