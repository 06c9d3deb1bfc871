"""Lossy files compared with the input, and with the reference encoder's files at the same setting. Mono speech."""

from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter.v1.audio_writer_pb2_grpc import AudioWriterServiceStub
from audiowriter_server.rpc.wire import list_formats

from lab.reference_decoders import matrix, measures
from lab.reference_decoders.cases import rates
from lab.reference_decoders.judges import RAW
from lab.reference_decoders.measures import Channel
from lab.reference_decoders.product import Order, make
from lab.reference_decoders.signals import SPEECH_RATE, speech
from lab.reference_decoders.tools import run

FORMATS = {info.name: info for info in list_formats().formats}

SNR_TOLERANCE_DB = 0.3
DISTANCE_TOLERANCE_DB = 0.25
"""Far below the audible difference of about 1 dB, and above the effect of a few per cent in size."""
SIZE_TOLERANCE = 1.03
"""Bitrates are not met exactly; but a file must not be better only because it is larger."""


LAME = "lame --quiet --resample 24 {setting} {source} {target}"
"""By default its command selects a lower rate or, at a low one, a -V other than the given one."""
OPUSENC = "opusenc --quiet --bitrate {setting} {source} {target}"
OGGENC = "oggenc -Q -q {setting} {source} -o {target}"
FFMPEG_AAC = "ffmpeg -v error -y -i {source} -b:a {bps} {target}"
SIZE_TRIES = 4
"""FFmpeg's AAC encoder exceeds its bitrate by up to 25 % on speech, so the bitrate for a file of our size is searched."""


@dataclass(frozen=True)
class Reference:
    """A setting of ours, and the command of the reference encoder with the same setting."""

    format_name: str
    output: pb.AudioOutput
    command: str
    setting: str = ""

    def __str__(self) -> str:
        return f"{self.format_name}-{self.output}".strip().replace(": ", "-")

    @property
    def judge(self) -> str:
        return self.command.split()[0] + " quality"


def _bitrates(name: str, command: str, setting: str, *kbps: int) -> list[Reference]:
    return [Reference(name, pb.AudioOutput(bitrate_bps=1000 * k), command, setting.format(k)) for k in kbps]


def _qualities(name: str, command: str, settings: dict[str, float]) -> list[Reference]:
    return [Reference(name, pb.AudioOutput(vbr_quality=ours), command, theirs) for theirs, ours in settings.items()]


REFERENCES = [
    *_bitrates("mp3", LAME, "--cbr -b {}", 24, 32, 64, 96),
    *_qualities("mp3", LAME, {"-V 0": 1, "-V 4": 5 / 9, "-V 7": 2 / 9}),
    *_bitrates("opus", OPUSENC, "{}", 16, 24, 48, 96),
    *_qualities("vorbis", OGGENC, {"0": 0, "4": 0.4, "8": 0.8}),
    *_bitrates("aac", FFMPEG_AAC, "", 32, 48, 64, 96),
]


def decode(file: Path, rate: int, raw: str | None = None) -> Channel:
    """Decode to mono at a rate, with the reference decoder of the format."""
    target = file.with_suffix(".f32")
    given = ("-f", raw, "-ar", rate) if raw else ()
    commands: dict[str, tuple[str | Path | int, ...]] = {
        ".mp3": ("mpg123", "--quiet", "--encoding", "f32", "--outfile", target, file),
        ".opus": ("opusdec", "--quiet", "--float", "--rate", rate, file, target),
    }
    other = ("ffmpeg", "-v", "error", "-y", *given, "-i", file, "-ar", rate, "-f", "f32le", target)
    _, said = run(*commands.get(file.suffix, other))
    assert not said
    return np.fromfile(target, "<f4").astype(np.float64)


def speech_at(rate: int) -> Channel:
    samples: Channel = soxr.resample(speech() / 32768, SPEECH_RATE, rate)
    return np.rint(samples * 32767) / 32768


KEEP_DELAY = ("aac", "fmp4")
"""ADTS has no field for its delay; fragmented MP4 has one, but FFmpeg 5 ignores it, also in its own files."""
DELAY_TOLERANCE_S = {"opus": 2 / 48000}
"""At rates at which SILK is used opusdec is up to two samples early, also with opusenc's files."""

LOWEST_RATE = 7350
"""Below this sample rate the decoded speech is too different to measure its delay."""
LOSSY = [(info, rate) for info in FORMATS.values() if not info.lossless for rate in rates(info) if rate >= LOWEST_RATE]


@pytest.mark.parametrize(("info", "rate"), LOSSY, ids=[f"{info.name}-{rate}Hz" for info, rate in LOSSY])
def test_decoded_speech_has_the_right_delay(
    info: pb.FormatInfo,
    rate: int,
    server: AudioWriterServiceStub,
    tmp_path: Path,
    record_property: matrix.Record,
) -> None:
    source = speech_at(rate)[: 3 * rate]
    product = make(server, Order(info, rate), source[:, None], tmp_path)
    raw = RAW[info.name](product.started.output) if info.name in RAW else None
    lag = measures.delay(source, decode(product.file, rate, raw))
    right = product.finished.delay_samples if info.name in KEEP_DELAY else 0
    content = abs(lag - right) <= ceil(DELAY_TOLERANCE_S.get(info.name, 0) * rate)
    matrix.record(record_property, info.name, "delay", content=content)
    assert content, f"{lag} samples late, expected {right}"


@pytest.mark.parametrize("reference", REFERENCES, ids=str)
def test_quality_is_no_worse_than_the_reference_encoders(
    reference: Reference, server: AudioWriterServiceStub, tmp_path: Path, record_property: matrix.Record
) -> None:
    source = speech() / 32768
    order = Order(FORMATS[reference.format_name], SPEECH_RATE, output=reference.output)
    product = make(server, order, source[:, None], tmp_path)
    wave, theirs = tmp_path / "source.wav", tmp_path / f"theirs{product.started.file_extension}"
    soundfile.write(wave, source, SPEECH_RATE, subtype="PCM_16")
    _encode_alike(reference, wave, theirs, product.file.stat().st_size, len(source))
    (our_snr, our_distance, our_size), (snr, distance, size) = (_judge(source, file) for file in (product.file, theirs))
    content = (
        our_snr >= snr - SNR_TOLERANCE_DB
        and our_distance <= distance + DISTANCE_TOLERANCE_DB
        and our_size <= size * SIZE_TOLERANCE
    )
    matrix.record(record_property, reference.format_name, reference.judge, content=content)
    figures = (
        f"{reference}: segmental SNR {our_snr:.2f} dB, theirs {snr:.2f}; "
        f"log-spectral distance {our_distance:.2f} dB, theirs {distance:.2f}; {our_size} bytes, theirs {size}"
    )
    print(figures)
    assert content, figures


def _encode_alike(reference: Reference, wave: Path, target: Path, size: int, samples: int) -> None:
    """Run the reference encoder. If it accepts a bitrate in bits per second, its file is made as large as ours."""
    bps = size * 8 * SPEECH_RATE / samples
    for _ in range(SIZE_TRIES):
        command = reference.command.format(source=wave, target=target, setting=reference.setting, bps=round(bps))
        _, said = run(*command.split())
        assert not said
        bps *= size / target.stat().st_size
        if "{bps}" not in reference.command:
            return


def _judge(source: Channel, file: Path) -> tuple[float, float, int]:
    decoded = decode(file, SPEECH_RATE)
    lag = measures.delay(source, decoded)
    source, decoded = source[max(0, -lag) :], decoded[max(0, lag) :]
    snr = measures.segmental_snr(source, decoded, SPEECH_RATE)
    distance = measures.log_spectral_distance(source, decoded, SPEECH_RATE)
    return snr, distance, file.stat().st_size
