"""`audiowriter encode`."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import click
from audiowriter_client.config import SAMPLE_FORMATS, WAV_HEADERS
from audiowriter_client.errors import quoted
from audiowriter_client.resume import RESUME_TIMEOUT_S
from audiowriter_core import FORMATS

from audiowriter_cli.audio import RawOptions
from audiowriter_cli.batch import Batch
from audiowriter_cli.chapters import Place, chapters_option, marker_options, room_bytes
from audiowriter_cli.interruptible import run_interruptibly
from audiowriter_cli.job import Job, Settings
from audiowriter_cli.names import format_of, is_same_file, outputs
from audiowriter_cli.progress import Display
from audiowriter_cli.report import Report
from audiowriter_cli.server import Server, server_options

_NUMBER = re.compile("[0-9]{1,10}")


def _bits_per_second(context: click.Context, option: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    number, scale = (value[:-1], 1000) if value[-1:] in "kK" else (value, 1)
    if not _NUMBER.fullmatch(number):
        raise click.BadParameter(
            f"{quoted(repr(value))} is not a bitrate: expected bits per second such as 96k or 96000"
        )
    return int(number) * scale


def _tags(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> list[tuple[str, str]]:
    tags = []
    for value in values:
        name, equals, text = value.partition("=")
        if not equals:
            raise click.BadParameter(f"{quoted(repr(value))} is not a tag: expected NAME=TEXT")
        tags.append((name.lower(), text))
    return tags


def _picture(context: click.Context, option: click.Parameter, file: BinaryIO | None) -> list[bytes]:
    return [] if file is None else [file.read()]


_samples = click.Choice(list(SAMPLE_FORMATS), case_sensitive=False)
_positive = click.IntRange(min=1)


# Options of the file have the names of stream_config's parameters.
@click.command()
@click.argument("sources", metavar="IN...", nargs=-1, required=True)
@click.argument("output", metavar="OUT")
@server_options
@click.option(
    "--format",
    "format_",
    type=click.Choice(list(FORMATS), case_sensitive=False),
    help="Format of the file.  [default: by OUT's extension]",
)
@click.option(
    "--bitrate", "bitrate_bps", callback=_bits_per_second, metavar="BITS", help="Bits per second, such as 96k."
)
@click.option("--quality", "vbr_quality", type=click.FloatRange(0, 1), help="Quality of a variable bitrate; 1 is best.")
@click.option("--effort", type=click.IntRange(0, 10), help="Effort of the encoder; 10 is slowest and best.")
@click.option("--rate", "output_sample_rate_hz", type=_positive, metavar="HZ", help="Sample rate of the file.")
@click.option("--channels", "output_channels", type=_positive, help="Channels of the file.")
@click.option("--sample-format", "output_sample_format", type=_samples, help="Sample format of the file.")
@click.option("--page-ms", type=float, metavar="MS", help="Maximum page duration in ms.")
@click.option("--opus-frame-ms", type=float, metavar="MS", help="Frame duration of Opus: 2.5, 5, 10, 20, 40 or 60 ms.")
@click.option("--wav-header", type=click.Choice(list(WAV_HEADERS)), help="Header of a WAV file; minimal has 44 bytes.")
@click.option(
    "--cover", "pictures", callback=_picture, type=click.File("rb"), metavar="FILE", help="Front cover: JPEG or PNG."
)
@click.option(
    "--tag", "tags", multiple=True, callback=_tags, metavar="NAME=TEXT", help="A tag such as title=…; may be repeated."
)
@click.option(
    "--marker",
    "markers",
    multiple=True,
    callback=marker_options,
    metavar="TIME=TITLE",
    help="A chapter, such as 1:02.5=Title; may be repeated.",
)
@click.option(
    "--chapters",
    callback=chapters_option,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Chapters from a WebVTT file or FFmpeg's metadata.",
)
@click.option("--gain", "gain_db", type=float, default=0, metavar="DB", help="Gain in dB.")
@click.option("--limit", "true_peak_limit_dbtp", type=float, metavar="DBTP", help="Limit the true peak, such as -1.")
@click.option("--loudness", "measure_loudness", is_flag=True, help="Print the loudness (EBU R 128).")
@click.option(
    "--input-format",
    type=_samples,
    help="Sample format of raw PCM; stdin is then raw PCM.  [default: s16le; of .ul and .al: mulaw and alaw]",
)
@click.option("--input-rate", type=_positive, metavar="HZ", help="Sample rate of raw PCM.")
@click.option("--input-channels", type=_positive, help="Channels of raw PCM.  [default: 1]")
@click.option(
    "--resume-timeout",
    type=click.FloatRange(min=0),
    default=RESUME_TIMEOUT_S,
    show_default=True,
    metavar="SECONDS",
    help="How long to look for another server if that of --target is lost; 0: not at all.",
)
@click.option(
    "-j",
    "--jobs",
    type=_positive,
    default=len(os.sched_getaffinity(0)),
    help="Files to encode at once.  [default: cores]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON per file, with its totals, on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
def encode(
    sources: Sequence[str],
    output: str,
    server: Server | None,
    format_: str | None,
    input_format: str | None,
    input_rate: int | None,
    input_channels: int | None,
    resume_timeout: float,
    markers: list[Place],
    chapters: list[Place],
    jobs: int,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Encode audio files.

    \b
    audiowriter encode IN OUT
    audiowriter encode IN... FOLDER --format FORMAT

    IN is a file that libsndfile or FFmpeg can read, or - for stdin. Raw PCM needs --input-rate: a file named .pcm, .raw,
    .ul (G.711 µ-law) or .al (A-law), or stdin that is not recognised as an audio file. With --input-format stdin is
    always read as raw PCM.

    OUT is a path or - for stdout. If stdout is a file, it also receives the final header, except in append mode. A folder
    receives one file per IN, with IN's name and the format's extension.

    Without --target the files are encoded in this process. The environment variable AUDIOWRITER_TOKEN sets a bearer token
    for --target.
    """
    if settings["bitrate_bps"] is not None and settings["vbr_quality"] is not None:
        raise click.UsageError("--bitrate and --quality are mutually exclusive")
    if as_json and output == "-":
        raise click.UsageError("--json and the file both need stdout")
    paths = outputs(sources, output, format_)
    for source, path in zip(sources, paths, strict=True):
        if is_same_file(source, path):
            raise click.UsageError(f"{source} and {path} are the same file")
    kind = format_of(output, format_)
    places = markers + chapters
    settings["metadata_bytes"] = room_bytes(places) if FORMATS[kind].tags else 0
    raw = RawOptions(input_format, input_rate, input_channels)
    common = Settings(server, kind, raw, settings, resume_timeout, places)
    display = Display(quiet=quiet)

    def print_report(report: Report) -> None:
        if as_json:
            click.echo(report.as_json())
        elif not quiet:
            click.echo(report.as_text(), err=True)

    batch = Batch([Job(source, path, common) for source, path in zip(sources, paths, strict=True)], jobs, print_report)
    run_interruptibly(lambda: batch.run(display), lambda: batch.stop(display))
    if batch.failed:
        raise click.exceptions.Exit(1)
