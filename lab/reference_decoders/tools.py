"""The third-party programs that check files. None of them is installed automatically."""

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
"""Debian's package, or packages, of each program."""

SYMPHONIA = Path(__file__).parents[2] / "build" / "symphonia" / "release" / "symphonia-judge"
"""Built by `make lab-reference-decoders` from the program in lab/reference_decoders/symphonia."""
MUSIC = Path("/usr/share/games/teeworlds/data/audio/music_menu.wv")
"""Stereo music under CC BY-SA 3.0, 25 s at 44.1 kHz, from Debian's package teeworlds-data."""

SECONDS = 60


def missing() -> list[str]:
    """Return one line per missing program or file."""
    lines = [f"{tool}: apt-get install {package}" for tool, package in PACKAGES.items() if shutil.which(tool) is None]
    files = {SYMPHONIA: "symphonia: make symphonia", MUSIC: f"{MUSIC}: apt-get install teeworlds-data"}
    return lines + [line for path, line in files.items() if not path.exists()]


def run(*command: str | Path | float, stdin: bytes = b"", timeout_s: float = SECONDS) -> tuple[bytes, str]:
    """Return a program's stdout, and its stderr as text. If it failed, the last line of the text is its exit code."""
    words = [str(word) for word in command]
    done = subprocess.run(words, input=stdin, capture_output=True, timeout=timeout_s, check=False)
    text = done.stderr.decode(errors="replace")
    if done.returncode:
        text += f"\n{command[0]} ended with {done.returncode}"
    return done.stdout, text
