"""The programs that judge: none of them is ours, and none is installed silently."""

import shutil
import subprocess
from pathlib import Path

PACKAGES = {
    "AtomicParsley": "atomicparsley",
    "chromium": "chromium",
    "faad": "faad",
    "ffmpeg": "ffmpeg",
    "ffprobe": "ffmpeg",
    "flac": "flac",
    "gst-launch-1.0": "gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-libav",
    "lame": "lame",
    "mediainfo": "mediainfo",
    "metaflac": "flac",
    "mkvinfo": "mkvtoolnix",
    "mkvmerge": "mkvtoolnix",
    "mp3val": "mp3val",
    "mpg123": "mpg123",
    "mpv": "mpv",
    "ogginfo": "vorbis-tools",
    "oggdec": "vorbis-tools",
    "oggenc": "vorbis-tools",
    "oggz-validate": "oggz-tools",
    "opusdec": "opus-tools",
    "opusenc": "opus-tools",
    "opusinfo": "opus-tools",
    "sox": "sox",
}
"""Debian's package of each program, or packages."""

SYMPHONIA = Path(__file__).parents[2] / "build" / "symphonia" / "release" / "symphonia-judge"
"""Made by `make lab-reference-decoders` from the program in lab/reference_decoders/symphonia."""

SECONDS = 60


def missing() -> list[str]:
    """A line for each program that is not there."""
    lines = [f"{tool}: apt-get install {package}" for tool, package in PACKAGES.items() if shutil.which(tool) is None]
    return lines if SYMPHONIA.exists() else [*lines, "symphonia: make symphonia"]


def run(*command: str | Path | float, stdin: bytes = b"", timeout_s: float = SECONDS) -> tuple[bytes, str]:
    """Give what a program wrote to stdout, and as text to stderr. A failure is told on the last line of the text."""
    words = [str(word) for word in command]
    done = subprocess.run(words, input=stdin, capture_output=True, timeout=timeout_s, check=False)
    text = done.stderr.decode(errors="replace")
    if done.returncode:
        text += f"\n{command[0]} ended with {done.returncode}"
    return done.stdout, text
