"""`audiowriter formats`."""

import click
from audiowriter.v1.audio_writer_pb2 import FormatInfo, SampleFormat
from audiowriter_client.unary import list_formats
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from audiowriter_cli.server import Server, server_options, server_or_own


@click.command()
@server_options
def formats(server: Server | None) -> None:
    """List the formats of the server; defaults are in parentheses.

    Without --target a server runs inside this process.
    """
    with server_or_own(server) as asked:
        infos = list_formats(asked.target, credentials=asked.credentials, metadata=asked.metadata)
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("Format", "Sample rate, kHz", "Channels", "Samples", "Bitrate or quality", "Effort", "Tags"):
        table.add_column(heading, overflow="fold")
    for info in infos:
        table.add_row(
            info.name,
            _sample_rates(info),
            _channels(info),
            _sample_formats(info),
            _bits(info),
            f"0 … 10 ({info.default_effort})" if info.HasField("default_effort") else "–",
            "yes" if info.tags else "–",
        )
    Console().print(table)


def _sample_rates(info: FormatInfo) -> str:
    listed = " ".join(f"{rate / 1000:g}" for rate in info.sample_rates_hz)
    return listed or f"{info.min_sample_rate_hz / 1000:g} … {info.max_sample_rate_hz / 1000:g}"


def _sample_formats(info: FormatInfo) -> str:
    known = (one for one in info.sample_formats if one in SampleFormat.values())  # a newer server may have others
    return " ".join(SampleFormat.Name(one).removeprefix("SAMPLE_FORMAT_").lower() for one in known)


def _channels(info: FormatInfo) -> str:
    counts = list(info.channels)
    if len(counts) > 2 and counts == list(range(counts[0], counts[-1] + 1)):
        return f"{counts[0]} … {counts[-1]}"
    return " ".join(map(str, counts))


def _bits(info: FormatInfo) -> str:
    ways = []
    if info.max_bitrate_bps:
        default = info.default_bitrate_bps_per_channel
        note = f" ({default // 1000}k/channel)" if default else ""
        ways.append(f"{info.min_bitrate_bps // 1000}k … {info.max_bitrate_bps // 1000}k{note}")
    if info.takes_vbr_quality:
        note = f" ({info.default_vbr_quality:g})" if info.HasField("default_vbr_quality") else ""
        ways.append(f"quality 0 … 1{note}")
    return ", ".join(ways) or "–"
