"""The cases: each format with one setting, and how each program is configured for it."""

from dataclasses import dataclass, field
from pathlib import Path

RATE = 24_000
"""Sample rate of all audio here, in Hz; mono, S16LE."""

FFMPEG_INPUT = (
    "ffmpeg -hide_banner -loglevel error -nostdin -probesize 32 -analyzeduration 0 -fflags nobuffer "
    f"-f s16le -ar {RATE} -ac 1 -i pipe:0 -flush_packets 1"
).split()
"""FFmpeg with its lowest latency."""


@dataclass(frozen=True)
class Case:
    """One format."""

    name: str
    """Name of the case, and of its format in the proto, unless `proto_name` has it."""
    label: str
    ffmpeg: str
    """FFmpeg's options for the same file."""
    ffmpeg_share: float
    """Maximum CPU time of the server, as a share of FFmpeg's."""
    bitrate_bps: int = 0
    paged: bool = False
    proto_name: str = ""
    reference: str = ""
    """The reference encoder for whole files: reads {pcm}, writes {out}."""
    tool: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tool", self.reference.split(" ")[0])

    @property
    def format_name(self) -> str:
        """The end of the format's name in the proto, in lower case."""
        return self.proto_name or self.name

    def load_options(self, frame_ms: int) -> list[str]:
        """Return the options of audiowriter-load for this setting."""
        options = ["-format", self.format_name, "-frame", f"{frame_ms}ms", "-rate", str(RATE)]
        if self.bitrate_bps:
            options += ["-bitrate", str(self.bitrate_bps)]
        if self.paged:
            options += ["-page", f"{frame_ms}ms"]
        return options

    def ffmpeg_command(self, frame_ms: int) -> list[str]:
        """Return FFmpeg's command from pipe to pipe."""
        page = ["-page_duration", str(frame_ms * 1000)] if self.paged else []
        return [*FFMPEG_INPUT, *self.ffmpeg.split(), *page, "pipe:1"]

    def reference_command(self, pcm: Path, out: Path) -> list[str]:
        """Return the reference encoder's command from file to file."""
        return self.reference.format(pcm=pcm, out=out, rate=RATE).split()


# The efforts are the server's defaults: LAME's quality 3, FFmpeg's default AAC coder, Opus' complexity 10, FLAC's level
# 4.
CASES = {
    case.name: case
    for case in (
        Case(
            name="mp3",
            label="MP3 64k",
            bitrate_bps=64_000,
            ffmpeg="-c:a libmp3lame -b:a 64k -compression_level 3 -f mp3",
            ffmpeg_share=0.5,
            reference="lame --quiet -r -s {rate} --bitwidth 16 --signed --little-endian -m m --cbr -b 64 -q 3 {pcm} {out}",
        ),
        Case(
            name="aac",
            proto_name="aac_adts",
            label="AAC 64k",
            bitrate_bps=64_000,
            ffmpeg="-c:a aac -b:a 64k -f adts",
            ffmpeg_share=0.6,
            reference="ffmpeg -y -hide_banner -loglevel error -nostdin -f s16le -ar {rate} -ac 1 -i {pcm} "
            "-c:a aac -b:a 64k -f adts {out}",
        ),
        Case(
            name="ogg_opus",
            label="Opus 32k",
            bitrate_bps=32_000,
            paged=True,
            ffmpeg="-c:a libopus -b:a 32k -compression_level 10 -frame_duration 20 -f ogg",
            ffmpeg_share=0.8,
            reference="opusenc --quiet --raw --raw-rate {rate} --raw-chan 1 --bitrate 32 --comp 10 {pcm} {out}",
        ),
        Case(
            name="flac",
            label="FLAC",
            ffmpeg="-c:a flac -compression_level 4 -f flac",
            ffmpeg_share=0.4,
            reference="flac -s -f -4 --force-raw-format --endian=little --sign=signed --channels=1 --bps=16 "
            "--sample-rate={rate} -o {out} {pcm}",
        ),
        Case(
            name="ogg_vorbis",
            label="Vorbis q4",
            ffmpeg="-c:a libvorbis -q:a 4 -f ogg",
            ffmpeg_share=0.7,
            reference="oggenc --quiet -r -R {rate} -C 1 -B 16 -q 4 -o {out} {pcm}",
        ),
        Case(name="wav", label="WAV", ffmpeg="-c:a pcm_s16le -f wav", ffmpeg_share=0.4),
    )
}
