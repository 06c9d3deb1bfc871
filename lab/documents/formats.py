"""Generate docs/formats.md from ListFormats and from real streams: `make formats-doc`."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_core.audio.sample_types import SAMPLE_TYPES
from audiowriter_core.codecs.aac import TWO_LOOP_EFFORT
from audiowriter_server.rpc.format_info import list_formats
from audiowriter_server.rpc.session import Session

from lab.reference_decoders.judges import RAW
from lab.reference_decoders.signals import SPEECH_RATE, speech
from lab.reference_decoders.tools import run

DOCUMENT = Path(__file__).parents[2] / "docs" / "formats.md"

FRAME_MS = 20
FRAME_SAMPLES = SPEECH_RATE * FRAME_MS // 1000
HEARD = 0.2
"""The speech starts at its loudest sample: anything that a codec adds before it is silence or much quieter."""

INPUTS = ", ".join(kind.name for kind in SAMPLE_TYPES.values())

HEAD = f"""# Formats

`make formats-doc` generates this page from the server's ListFormats and from mono speech at {SPEECH_RATE} Hz with default
settings.

- **Delay**: samples that the codec adds before the first one (`delay_samples`).
- **Exact**: *bits*: decoders return exactly the input samples; *length*: exactly as many samples, at their positions;
  *no*: delay and padding stay in the file, and `finished` says how many samples they are.
- **Header**: whether `finished` contains a header that replaces the first bytes. The streamed bytes play without it.
- **Latency**: duration of the audio sent, in frames of {FRAME_MS} ms, when the received bytes first decode to a part of it.
- **Sample formats**: those of the file or, for a lossy codec, those that it takes. All formats take input of
  {INPUTS}. The last two are G.711. It is decoded to 16 bits, but
  copied into a file of the same law, sample rate and number of channels.
- **`metadata_bytes`**: room in the head for tags that come while the stream runs
  ([contract.md](contract.md#metadata-that-comes-late)).
- **WAV header**: 80 bytes and more, with room for tags and for RF64. `wav` also takes `WAV_HEADER_MINIMAL`: 44 bytes, for
  readers that skip exactly as many, with one or two channels and without tags.

AAC, M4A and fragmented MP4 use FFmpeg's two-loop coder at effort {TWO_LOOP_EFFORT}, the default, and above. Below it they
use FFmpeg's fast coder. It takes 0.28 of the CPU time on mono speech, and half on stereo music. The fast coder has two
limits:

- It distorts loud tones. A sine at 0.5 of full scale is decoded with 27 dB of SNR, one at 0.9 with 9 dB and at 0.73 of its
  level.
- Stereo music sounds worse at the same bitrate: by up to 0.8 MOS (ViSQOL) between 64 and 128 kbit/s.

Use low efforts for speech only. Both coders lower audio that exceeds 0.95 of full scale by up to 6 %, as FFmpeg's command
does. [performance.md](performance.md#aac-quality-and-cpu-time) has the figures.

"""


def document() -> str:
    """Return the whole text."""
    what = _table(("MIME type", "File", "Delay", "Exact", "Header", "Latency"), _what)
    limits = _table(
        ("Sample rates, Hz", "Channels", "Sample formats", "Bitrate, kbit/s", "`vbr_quality`", "`page`, ms"), _limits
    )
    tags = _table(("Tags", "May be repeated", "Pictures", "`metadata_bytes`", "Markers"), _metadata)
    return HEAD + "\n".join((what, limits, tags))


def _table(heads: Sequence[str], cells: Callable[[pb.FormatInfo], Sequence[str]]) -> str:
    rows = [("Format", *heads), ["---"] * (1 + len(heads))]
    rows += [(f"`{info.name}`", *cells(info)) for info in list_formats().formats]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def latency_ms(info: pb.FormatInfo) -> int | None:
    """Return the audio sent, in ms, when the received bytes first decode to a part of it; None: not before the end."""
    session = Session()
    received = b"".join(_receive(session, config=_config(info)))
    samples = speech()
    pcm = np.roll(samples, -np.argmax(np.abs(samples))).tobytes()
    for start in range(0, len(pcm), 2 * FRAME_SAMPLES):
        more = b"".join(_receive(session, pcm=pcm[start : start + 2 * FRAME_SAMPLES]))
        received += more
        if more and _decoded_peak(info, received) > HEARD:
            session.close()
            return start // 2 // FRAME_SAMPLES * FRAME_MS + FRAME_MS
    session.close()
    return None


def _config(info: pb.FormatInfo) -> pb.StreamConfig:
    return pb.StreamConfig(input=pb.PcmInput(sample_rate_hz=SPEECH_RATE), output=pb.AudioOutput(format=info.format))


def _receive(session: Session, config: pb.StreamConfig | None = None, pcm: bytes = b"") -> Iterator[bytes]:
    for response in session.receive(pb.EncodeStreamRequest(config=config, pcm=pcm)):
        yield response.chunk.data


def _decoded_peak(info: pb.FormatInfo, received: bytes) -> float:
    given: tuple[str | int, ...] = ()
    if info.name in RAW:
        name = RAW[info.name](pb.AudioOutput(sample_format=pb.SAMPLE_FORMAT_S16LE))
        given = ("-f", name, "-ar", SPEECH_RATE, "-ac", 1)
    # FFmpeg prints many messages about a truncated file.
    out, _ = run("ffmpeg", "-v", "quiet", *given, "-i", "pipe:0", "-f", "f32le", "-", stdin=received)
    return float(np.abs(np.frombuffer(out, "<f4")).max(initial=0))


def _what(info: pb.FormatInfo) -> Sequence[str]:
    session = Session()
    for _ in _receive(session, config=_config(info), pcm=speech().tobytes()):
        pass
    finished = session.finish()[-1].finished
    session.close()
    exact = "bits" if info.lossless else "length" if info.sample_exact else "no"
    latency = latency_ms(info)
    return (
        f"`{info.mime_type}`",
        f"`{info.file_extension}`",
        str(finished.totals.delay_samples),
        exact,
        "replaced at the end" if finished.header else "never changes",
        "at the end" if latency is None else f"{latency} ms",
    )


def _metadata(info: pb.FormatInfo) -> Sequence[str]:
    pictures = f"{', '.join(info.picture_mime_types)}; {info.max_picture_bytes // 1024} KiB"
    return (
        ", ".join(info.tags) or "none",
        ", ".join(info.repeatable_tags),
        pictures if info.picture_mime_types else "none",
        f"0 to {info.max_metadata_bytes}" if info.max_metadata_bytes else "–",
        f"{info.max_markers}{', with URLs' if info.takes_marker_urls else ''}" if info.max_markers else "none",
    )


def _limits(info: pb.FormatInfo) -> Sequence[str]:
    rates = ", ".join(map(str, info.sample_rates_hz)) or f"{info.min_sample_rate_hz} to {info.max_sample_rate_hz}"
    kinds = (pb.SampleFormat.Name(kind).removeprefix("SAMPLE_FORMAT_") for kind in info.sample_formats)
    bitrate = quality = "–"
    if info.max_bitrate_bps:
        bitrate = f"{info.min_bitrate_bps / 1000:g} to {info.max_bitrate_bps / 1000:g}"
    if info.default_bitrate_bps_per_channel:
        bitrate += f"; {info.default_bitrate_bps_per_channel / 1000:g} a channel"
    if info.takes_vbr_quality:
        quality = "0 to 1" + (f"; {info.default_vbr_quality:g}" if info.HasField("default_vbr_quality") else "")
    page = "–"
    if info.HasField("default_page"):
        low, high, default = (one.ToNanoseconds() / 1e6 for one in (info.min_page, info.max_page, info.default_page))
        page = f"{low:g} to {high:g}; {default:g}"
    return rates, ", ".join(map(str, info.channels)), ", ".join(kinds), bitrate, quality, page


if __name__ == "__main__":
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(document())
