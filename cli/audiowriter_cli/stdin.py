"""Reads an audio file or raw PCM from stdin."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import FileIO

import av
import click

from audiowriter_cli.audio import BLOCK_BYTES, RawOptions, Source
from audiowriter_cli.decoders import UNREADABLE, decode_file
from audiowriter_cli.ffmpeg import decode
from audiowriter_cli.lookahead import LookAhead
from audiowriter_cli.sniffing import MP3, WAV, Kind, recognise
from audiowriter_cli.wav import read_header


@contextmanager
def open_stdin(raw: RawOptions) -> Iterator[Source]:
    """Open stdin. Audio is decoded as it arrives, so that a live pipe is not delayed.

    With --input-format stdin is raw PCM. Otherwise it is recognised by its first bytes. If it is not recognised, it is raw
    PCM if --input-rate is given.

    Raises UsageError if stdin is neither recognised nor described, or if an audio file contradicts the options.
    """
    file = LookAhead(FileIO(sys.stdin.fileno(), closefd=False))
    if raw.sample_format is not None:
        yield Source(raw.pcm_format(), _blocks(file))
        return
    kind = recognise(file)
    if kind is None:
        if raw.sample_rate_hz is None:
            raise click.UsageError(
                "stdin is not a known kind of audio file: "
                "raw PCM needs --input-rate, and --input-format if it is not s16le"
            )
        yield Source(raw.pcm_format(), _blocks(file))
        return
    with ExitStack() as stack:
        source = _wav_source(file) if kind is WAV else None
        source = source or _decoded(file, kind, stack)
        _check(source, kind, raw)
        yield source


def _blocks(file: LookAhead) -> Iterator[bytes]:
    return iter(lambda: file.read(BLOCK_BYTES), b"")


def _wav_source(file: LookAhead) -> Source | None:
    header = read_header(file)
    if header is None:
        return None
    pcm, size = header
    return Source(pcm, _whole_frames(file.read, pcm.frame_bytes, size))


def _whole_frames(read: Callable[[int], bytes], frame_bytes: int, size: int | None) -> Iterator[bytes]:
    # A truncated WAV may end inside a sample.
    rest = b""
    while block := read(BLOCK_BYTES if size is None else min(size, BLOCK_BYTES)):
        if size is not None:
            size -= len(block)
        block = rest + block
        end = len(block) - len(block) % frame_bytes
        rest = block[end:]
        if end:
            yield block[:end]


def _decoded(file: LookAhead, kind: Kind, stack: ExitStack) -> Source:
    # By default, FFmpeg reads five seconds of audio before it returns the first frame.
    options = {"analyzeduration": "1"} if kind.demuxer else {}
    if kind is MP3:
        _hide_size(file)
    try:
        if not kind.streams:
            return decode_file(stack.enter_context(file.rest()), "stdin", stack)
        container = av.open(file, "r", kind.demuxer, options)
        return decode(stack.enter_context(container), "stdin", file.ready)
    except UNREADABLE as error:
        raise click.ClickException(f"stdin looks like {kind.name}, but no decoder can read it") from error


def _hide_size(file: LookAhead) -> None:
    """Set the byte count in the Info frame of an MP3 to 0.

    FFmpeg compares the count with the size of the file. A pipe has no size, and FFmpeg then ignores the padding that
    the Info frame declares.
    """
    header = file.peek(4).ljust(4, b"\0")
    mpeg1, mono = bool(header[1] & 8), header[3] >> 6 == 3
    at = 4 + {(True, False): 32, (True, True): 17, (False, False): 17, (False, True): 9}[mpeg1, mono]
    info = file.peek(at + 16)[at:]
    if info[:4] in (b"Xing", b"Info") and info[7] & 3 == 3:
        file.replace(at + 12, bytes(4))


def _check(source: Source, kind: Kind, raw: RawOptions) -> None:
    for option, given, found in (
        ("--input-rate", raw.sample_rate_hz, source.format.sample_rate_hz),
        ("--input-channels", raw.channels, source.format.channels),
    ):
        if given not in (None, found):
            raise click.UsageError(
                f"{option} {given}: stdin is {kind.name} with {found}; add --input-format if it is raw PCM"
            )
