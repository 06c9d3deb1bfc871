"""Opens the input of `encode`: an audio file, raw PCM or stdin."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

import click

from audiowriter_cli.audio import BLOCK_BYTES, RawOptions, Source
from audiowriter_cli.decoders import open_file
from audiowriter_cli.stdin import open_stdin

_RAW_EXTENSIONS = {".pcm": "s16le", ".raw": "s16le", ".ul": "mulaw", ".al": "alaw"}
"""Extensions of raw PCM, and the default of --input-format."""


@contextmanager
def open_source(name: str, raw: RawOptions) -> Iterator[Source]:
    """Open the file `name`, or stdin for "-".

    Raises OSError, UsageError if `raw` does not suit the input, and ClickException if no decoder can read it.
    """
    path = Path(name)
    if name == "-":
        with open_stdin(raw) as source:
            yield source
    elif path.suffix.lower() in _RAW_EXTENSIONS:
        pcm = raw.pcm_format(_RAW_EXTENSIONS[path.suffix.lower()])
        with FileIO(path) as file:
            blocks = iter(lambda: file.read(BLOCK_BYTES), b"")
            yield Source(pcm, blocks, path.stat().st_size // pcm.frame_bytes)
    elif raw.given:
        raise click.UsageError("--input-… are for raw PCM: files named .pcm, .raw, .ul or .al, and stdin")
    else:
        with open_file(name) as source:
            yield source
