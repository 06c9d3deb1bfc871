"""`audiowriter encode`."""

import re
import sys
import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from io import FileIO
from pathlib import Path
from typing import Any

import click
from audiowriter.v1.audio_writer_pb2 import Totals
from audiowriter_client.config import SAMPLE_FORMATS, WAV_HEADERS, stream_config
from audiowriter_client.errors import quoted
from audiowriter_client.resume import RESUME_TIMEOUT_S
from audiowriter_client.sink import Destination
from audiowriter_client.writer import AudioWriter
from audiowriter_core import FORMATS, Finished, Loudness, format_for_extension

from audiowriter_cli.audio import PcmFormat, RawOptions
from audiowriter_cli.interruptible import GRACE_S, run_interruptibly
from audiowriter_cli.local import LocalWriter
from audiowriter_cli.progress import Meter
from audiowriter_cli.server import Server, server_options
from audiowriter_cli.source import open_source

_NUMBER = re.compile("[0-9]{1,10}")


def _bits_per_second(context: click.Context, option: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    number, scale = (value[:-1], 1000) if value.endswith("k") else (value, 1)
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
        tags.append((name, text))
    return tags


_samples = click.Choice(list(SAMPLE_FORMATS))
_positive = click.IntRange(min=1)


# Options of the file have the names of stream_config's parameters.
@click.command()
@click.argument("source", metavar="IN")
@click.argument("output", metavar="OUT")
@server_options
@click.option(
    "--format", "format_", type=click.Choice(list(FORMATS)), help="Format of the file.  [default: by OUT's extension]"
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
    "--tag", "tags", multiple=True, callback=_tags, metavar="NAME=TEXT", help="A tag such as title=…; may be repeated."
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
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
def encode(
    source: str,
    output: str,
    server: Server | None,
    format_: str | None,
    input_format: str | None,
    input_rate: int | None,
    input_channels: int | None,
    resume_timeout: float,
    quiet: bool,
    **settings: Any,
) -> None:
    """Encode the audio file IN to OUT.

    IN is a file that libsndfile or FFmpeg can read, or - for stdin. Raw PCM needs --input-rate: a file named .pcm, .raw,
    .ul (G.711 µ-law) or .al (A-law), or stdin that is not recognised as an audio file. With --input-format stdin is
    always read as raw PCM.

    OUT is a path or - for stdout. If stdout is a file, it also receives the final header, except in append mode.

    Without --target the file is encoded in this process. The environment variable AUDIOWRITER_TOKEN sets a bearer token
    for --target.
    """
    if format_ is None and (found := format_for_extension(Path(output).suffix)):
        format_ = found.name
    if format_ is None:
        raise click.UsageError(f"{output}: the extension determines no format: use --format")
    if _same_file(source, output):
        raise click.UsageError(f"{source} and {output} are the same file")
    raw = RawOptions(input_format, input_rate, input_channels)
    if settings["bitrate_bps"] is not None and settings["vbr_quality"] is not None:
        raise click.UsageError("--bitrate and --quality are mutually exclusive")
    opened: Future[tuple[AudioWriter | LocalWriter, Meter]] = Future()

    def work() -> str:
        with ExitStack() as stack:
            audio = stack.enter_context(open_source(source, raw))
            meter = stack.enter_context(Meter(audio.frames, audio.format.sample_rate_hz, quiet=quiet))
            begin = time.perf_counter()
            sink = _stdout() if output == "-" else output
            with _open_writer(server, format_, audio.format, settings, sink, resume_timeout) as writer:
                opened.set_result((writer, meter))
                for block in audio.blocks:
                    writer.write(block)
                    meter.advance(audio.frames_in(block), writer.bytes_received)
            return _summary(output, writer, time.perf_counter() - begin)

    def stop() -> None:
        with suppress(TimeoutError):  # not opened yet, or it never will be
            writer, meter = opened.result(GRACE_S)
            meter.stop()
            writer.cancel()

    summary = run_interruptibly(work, stop)
    if not quiet:
        click.echo(summary, err=True)


def _open_writer(
    server: Server | None,
    format_: str,
    pcm: PcmFormat,
    settings: Mapping[str, Any],
    sink: Destination,
    resume_timeout: float,
) -> AudioWriter | LocalWriter:
    options = {
        "format": format_,
        "sample_rate_hz": pcm.sample_rate_hz,
        "channels": pcm.channels,
        "sample_format": pcm.sample_format,
        **settings,
    }
    if server is None:
        return LocalWriter(options, sink)
    try:
        config = stream_config(**options)
    except ValueError as error:  # a number is too large for its field
        raise click.UsageError(str(error)) from error
    return AudioWriter.open(
        server.target,
        config,
        sink,
        credentials=server.credentials,
        metadata=server.metadata,
        resume_timeout=resume_timeout,
    )


def _same_file(source: str, output: str) -> bool:
    try:
        return "-" not in (source, output) and Path(source).samefile(output)
    except FileNotFoundError:
        return False


def _stdout() -> FileIO:
    # Unbuffered, so that a listener receives each byte immediately, and nothing must be flushed if the pipe is closed.
    return FileIO(sys.stdout.fileno(), "wb", closefd=False)


def _summary(output: str, writer: AudioWriter | LocalWriter, seconds: float) -> str:
    result = writer.result
    duration = result.duration_s if isinstance(result, Finished) else result.duration.ToTimedelta().total_seconds()
    line = f"{output}: {duration:.2f} s, {result.file_bytes:,} bytes, {duration / seconds:.1f} × real time"
    if result.clipped_samples:
        line += f", {result.clipped_samples:,} samples clipped"
    if loudness := _loudness(result):
        line += f", {_measured(loudness.integrated_lufs, 'LUFS')}, range {loudness.range_lu:.1f} LU"
        line += f", true peak {_measured(loudness.true_peak_dbtp, 'dBTP')}"
    return line


def _loudness(result: Finished | Totals) -> Loudness | None:
    if isinstance(result, Finished):
        return result.loudness
    if not result.HasField("loudness"):
        return None
    measured = result.loudness
    return Loudness(
        measured.integrated_lufs if measured.HasField("integrated_lufs") else None,
        measured.range_lu,
        measured.true_peak_dbtp if measured.HasField("true_peak_dbtp") else None,
    )


def _measured(value: float | None, unit: str) -> str:
    return "silence" if value is None else f"{value:.1f} {unit}"
