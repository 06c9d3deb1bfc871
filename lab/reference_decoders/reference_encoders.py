"""Reference encoders at the settings of our formats, and the quality of a lossy file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from audiowriter.v1 import audio_writer_pb2 as pb

from lab.reference_decoders import measures
from lab.reference_decoders.signals import Signal
from lab.reference_decoders.tools import run

LAME = "lame --quiet --resample {khz:g} {setting} {source} {target}"
"""By default its command selects a lower rate or, at a low one, a -V other than the given one."""
OPUSENC = "opusenc --quiet --bitrate {setting} {source} {target}"
OGGENC = "oggenc -Q -q {setting} {source} -o {target}"
FFMPEG_AAC = "ffmpeg -v error -y -i {source} -c:a aac -b:a {bps} {target}"
SIZE_TRIES = 4
"""FFmpeg's AAC encoder exceeds its bitrate by up to 29 % on speech, so the bitrate for a file of our size is searched."""

SIZE_TOLERANCE = 1.03
"""Bitrates are not met exactly; but a file must not be better only because it is larger."""


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

    def encode(self, wave: Path, target: Path, bps: float = 0) -> None:
        """Run the command. `bps`: bitrate in bits per second, for commands that take one."""
        khz = soundfile.info(wave).samplerate / 1000
        words = self.command.format(source=wave, target=target, setting=self.setting, khz=khz, bps=round(bps))
        _, said = run(*words.split())
        assert not said

    def encode_alike(self, wave: Path, target: Path, size: int) -> None:
        """Run the command. If it takes a bitrate, search the one at which the file has `size` bytes."""
        bps = size * 8 / soundfile.info(wave).duration
        for _ in range(SIZE_TRIES if "{bps}" in self.command else 1):
            self.encode(wave, target, bps)
            bps *= size / target.stat().st_size


def bitrates(name: str, command: str, setting: str, *kbps: int) -> list[Reference]:
    """Return a reference per bitrate."""
    return [Reference(name, pb.AudioOutput(bitrate_bps=1000 * k), command, setting.format(k)) for k in kbps]


def qualities(name: str, command: str, settings: dict[str, float]) -> list[Reference]:
    """Return a reference per quality. `settings`: from the reference encoder's to ours."""
    return [Reference(name, pb.AudioOutput(vbr_quality=ours), command, theirs) for theirs, ours in settings.items()]


def decode(file: Path, rate: int, channels: int = 1, raw: str | None = None) -> Signal:
    """Decode with the format's reference decoder, or with FFmpeg. `raw`: FFmpeg's name of a format without a header."""
    target = file.with_suffix(".f32")
    given = ("-f", raw, "-ar", rate) if raw else ()
    commands: dict[str, tuple[str | Path | int, ...]] = {
        ".mp3": ("mpg123", "--quiet", "--encoding", "f32", "--outfile", target, file),
        ".opus": ("opusdec", "--quiet", "--float", "--rate", rate, file, target),
    }
    other = ("ffmpeg", "-v", "error", "-y", *given, "-i", file, "-ar", rate, "-f", "f32le", target)
    _, said = run(*commands.get(file.suffix, other))
    assert not said
    return np.fromfile(target, "<f4").astype(np.float64).reshape(-1, channels)


def aligned(source: Signal, decoded: Signal) -> tuple[Signal, Signal]:
    """Cut both to the time that they share."""
    lag = measures.delay(source[:, 0], decoded[:, 0])
    source, decoded = source[max(0, -lag) :], decoded[max(0, lag) :]
    shared = min(len(source), len(decoded))
    return source[:shared], decoded[:shared]


@dataclass(frozen=True)
class Quality:
    """What was measured on a file: means over the channels, and its size."""

    snr_db: float
    distance_db: float
    size: int

    def __str__(self) -> str:
        return f"segmental SNR {self.snr_db:.2f} dB, log-spectral distance {self.distance_db:.2f} dB, {self.size} bytes"

    def no_worse_than(self, other: "Quality", *, snr_tolerance_db: float, distance_tolerance_db: float) -> bool:
        """Whether both measures and the size are within their tolerances."""
        return (
            self.snr_db >= other.snr_db - snr_tolerance_db
            and self.distance_db <= other.distance_db + distance_tolerance_db
            and self.size <= other.size * SIZE_TOLERANCE
        )


def quality(source: Signal, file: Path, rate: int) -> Quality:
    """Measure a file that was encoded from `source`."""
    clean, coded = aligned(source, decode(file, rate, source.shape[1]))
    pairs = list(zip(clean.T, coded.T, strict=True))
    snr = float(np.mean([measures.segmental_snr(sent, heard, rate) for sent, heard in pairs]))
    distance = float(np.mean([measures.log_spectral_distance(sent, heard, rate) for sent, heard in pairs]))
    return Quality(snr, distance, file.stat().st_size)
