"""Opens the input of `encode`: an audio file, raw PCM or stdin."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from audiowriter_client.cli.audio import BLOCK_BYTES, PcmFormat, Source
from audiowriter_client.cli.decoders import open_file


@contextmanager
def open_source(name: str, raw: PcmFormat | None) -> Iterator[Source]:
    """Open the file `name`, or stdin for "-". `raw` is the format of raw PCM, or None for an audio file.

    Raises OSError, or ClickException if no decoder can read it.
    """
    if raw is None:
        with open_file(name) as source:
            yield source
    elif name == "-":
        yield _raw_source(FileIO(sys.stdin.fileno(), closefd=False), raw, None)
    else:
        path = Path(name)
        with FileIO(path) as file:
            yield _raw_source(file, raw, path.stat().st_size)


def _raw_source(file: FileIO, raw: PcmFormat, size: int | None) -> Source:
    # Without a buffer read() returns what is available: a live pipe does not wait until a block is full.
    blocks = iter(lambda: file.read(BLOCK_BYTES), b"")
    return Source(raw, blocks, None if size is None else size // raw.frame_bytes)
