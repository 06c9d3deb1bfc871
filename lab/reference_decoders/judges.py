"""Third-party decoders and analysers. A judge receives a product and yields its faults."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import mutagen
import numpy as np
import soundfile
from audiowriter.v1 import audio_writer_pb2 as pb
from mutagen.id3 import ID3
from mutagen.mp4 import MP4, MP4Tags

from lab.reference_decoders import compare
from lab.reference_decoders.complaints import WAVE, complaints
from lab.reference_decoders.gstreamer import gstreamer
from lab.reference_decoders.inspectors import metaflac, mkvinfo, mkvmerge, oggz_validate, taglib
from lab.reference_decoders.mp4_judges import atomicparsley, faad
from lab.reference_decoders.players import mpv, symphonia
from lab.reference_decoders.product import Product
from lab.reference_decoders.signals import FFMPEG_NAMES, Signal
from lab.reference_decoders.tools import run

Judge = Callable[[Product], Iterator[str]]

ID3_FRAMES = {
    "title": "TIT2",
    "artist": "TPE1",
    "album": "TALB",
    "date": "TDRC",
    "genre": "TCON",
    "comment": "COMM::XXX",
    "track": "TRCK",
}

MEDIAINFO_NAMES = {
    "title": "Title",
    "artist": "Performer",
    "album": "Album",
    "date": "Recorded_Date",
    "genre": "Genre",
    "comment": "Comment",
    "track": "Track_Position",
}

MP4_ATOMS = {
    "title": "©nam",
    "artist": "©ART",
    "album": "©alb",
    "date": "©day",
    "genre": "©gen",
    "comment": "©cmt",
}

FFMPEG_ADDS: dict[str, Callable[[pb.Totals], int]] = {
    "m4a": lambda totals: totals.padding_samples,
    "fmp4": lambda totals: totals.delay_samples + totals.padding_samples,
}
"""Samples that FFmpeg 5 returns although the file excludes them; it does the same with its own files."""


def ffmpeg(product: Product) -> Iterator[str]:
    """Decode the stored file without a warning: every sample, every channel in the right order."""
    samples, said = _ffmpeg_decode(product, "warning", product.file)
    yield from complaints("ffmpeg", product.order.info.name, said)
    name = product.order.info.name
    more = FFMPEG_ADDS[name](product.totals) if name in FFMPEG_ADDS else 0
    # FFmpeg 5 cuts the ends of short Vorbis files wrongly, also those of oggenc.
    yield from compare.hear(product, samples, more=None if name == "vorbis" else more)


def ffmpeg_live(product: Product) -> Iterator[str]:
    """Decode the live bytes through a pipe, that is, without the header of the stored file."""
    samples, said = _ffmpeg_decode(product, "error", "pipe:0", stdin=product.live.read_bytes())
    yield from complaints("ffmpeg_live", product.order.info.name, said)
    if product.order.info.name in WAVE and product.finished.trailer:  # the pad byte: see TOLERATED
        samples = samples[: len(product.signal)]
    yield from compare.hear(product, samples, more=None)


def ffprobe(product: Product) -> Iterator[str]:
    """Read rate, channels, duration and tags from the container."""
    out, said = run("ffprobe", "-v", "warning", "-of", "json", "-show_format", "-show_streams", product.file)
    yield from complaints("ffprobe", product.order.info.name, said)
    reported = json.loads(out)
    stream, container = reported["streams"][0], reported["format"]
    yield from compare.differ("channels", stream["channels"], product.order.channels)
    rate = 48000 if stream["codec_name"] == "opus" else product.order.rate  # the only rate of Opus
    yield from compare.differ("sample rate", int(stream["sample_rate"]), rate)
    if product.order.info.sample_exact:
        yield from compare.container_duration(product, float(container["duration"]))
    yield from compare.tags(product, {**container.get("tags", {}), **stream.get("tags", {})})


def flac(product: Product) -> Iterator[str]:
    """Run the reference decoder's own test, including the MD5, with warnings as errors."""
    _, said = run("flac", "--test", "--silent", "--warnings-as-errors", product.file)
    yield from complaints("flac", product.order.info.name, said)


def ogginfo(product: Product) -> Iterator[str]:
    """Check pages, headers and granule positions."""
    out, said = run("ogginfo", product.file)
    yield from complaints("ogginfo", product.order.info.name, said + _lines(out, "warning|error|negative|hole"))
    yield from compare.comments(product, out)


def opusinfo(product: Product) -> Iterator[str]:
    """Check pages, OpusHead and OpusTags, granule positions and the end trim."""
    out, said = run("opusinfo", product.file)
    yield from complaints("opusinfo", product.order.info.name, said + _lines(out, "warning|error|negative|hole"))
    yield from compare.comments(product, out)
    found = re.search(rb"Playback length: (\d+)m:([\d.]+)s", out)
    if found is None:
        yield "no playback length"
    else:
        seconds = int(found[1]) * 60 + float(found[2])
        yield from compare.duration(product, seconds, tolerance=0.001)  # three digits, truncated


def oggdec(product: Product) -> Iterator[str]:
    """Decode with libvorbis."""
    out, said = run("oggdec", "--quiet", "--raw", "--bits", 16, "--output", "-", product.file)
    yield from complaints("oggdec", product.order.info.name, said)
    yield from compare.differ("frames", len(out) // 2 // product.order.channels, product.frames)


def opusdec(product: Product) -> Iterator[str]:
    """Decode with libopusfile."""
    raw = product.file.with_suffix(".raw")
    _, said = run("opusdec", "--quiet", "--float", "--rate", 48000, "--force-stereo", product.file, raw)
    yield from complaints("opusdec", product.order.info.name, said)
    yield from compare.differ("frames", raw.stat().st_size // 8, product.frames * 48000 // product.order.rate)


def mpg123(product: Product) -> Iterator[str]:
    """Decode with delay and padding of LAME's tag."""
    out, said = run("mpg123", "--quiet", "--encoding", "f32", "--stdout", product.file)
    yield from complaints("mpg123", product.order.info.name, said)
    yield from compare.hear(product, np.frombuffer(out, "<f4").reshape(-1, product.order.channels).astype(np.float64))


def mp3val(product: Product) -> Iterator[str]:
    """Check frames, Xing header and tags."""
    out, said = run("mp3val", product.file)
    yield from complaints("mp3val", product.order.info.name, said + _lines(out, "WARNING|ERROR"))
    found = re.search(rb"(\d+) MPEG frames", out)
    frames = product.totals.delay_samples + product.totals.output_samples + product.totals.padding_samples
    per_frame = 1152 if product.order.rate >= 32000 else 576
    yield from compare.differ("MPEG frames", found and int(found[1]), frames // per_frame + 1)  # the Info frame


def mediainfo(product: Product) -> Iterator[str]:
    """Read the container, and check that it conforms to the standard."""
    out, said = run("mediainfo", "--Output=JSON", "--Full", product.file)
    yield from complaints("mediainfo", product.order.info.name, said)
    tracks = {track["@type"]: track for track in json.loads(out)["media"]["track"]}  # a cover may be another one
    general, audio = tracks["General"], tracks["Audio"]
    for track in tracks.values():
        yield from complaints("mediainfo", product.order.info.name, "\n".join(_conformance(track.get("extra", {}))))
    yield from compare.differ("channels", int(audio["Channels"]), product.order.channels)
    if product.order.info.sample_exact:
        yield from compare.container_duration(product, float(audio["Duration"]), tolerance=0.001)  # whole milliseconds
    # It reports the title of a WAV file twice: "Title" is from INFO, read as Latin-1, and "Track" from ID3.
    names = MEDIAINFO_NAMES | ({"title": "Track"} if product.order.info.name in WAVE else {})
    known = {name: general[theirs] for name, theirs in names.items() if theirs in general}
    if product.order.info.name != "ogg-flac":  # it reads no tags in this format, nor in files of `flac --ogg`
        yield from compare.tags(product, {**general.get("extra", {}), **known})


def libsndfile(product: Product) -> Iterator[str]:
    """Decode, and read the tags that the program supports."""
    with soundfile.SoundFile(product.file) as file:
        yield from compare.differ("channels", file.channels, product.order.channels)
        samples = file.read(dtype="float64", always_2d=True)
        if product.order.info.lossless:
            yield from compare.hear(product, samples)
        else:  # it returns channels in the codec's order
            yield from compare.differ("frames", len(samples), product.frames * file.samplerate // product.order.rate)


def mutagen_(product: Product) -> Iterator[str]:
    """Read duration and tags."""
    file = mutagen.File(product.file)
    yield from compare.differ("channels", file.info.channels, product.order.channels)
    if product.order.info.sample_exact and not isinstance(
        file, MP4
    ):  # in MP4 it reads neither edit lists nor fragments
        yield from compare.duration(product, file.info.length, tolerance=2e-3)
    if isinstance(file.tags, ID3):
        yield from compare.tags(product, {name: str(file.tags.get(frame)) for name, frame in ID3_FRAMES.items()})
    elif isinstance(file.tags, MP4Tags):
        reported = {name: file.tags.get(atom, [""])[0] for name, atom in MP4_ATOMS.items()}
        yield from compare.tags(product, {**reported, "track": str(file.tags.get("trkn", [("",)])[0][0])})
    elif file.tags is not None:
        yield from compare.tags(product, {name: values[0] for name, values in file.tags.items()})


def sox(product: Product) -> Iterator[str]:
    """Decode to floats."""
    out, said = run("sox", "-V2", product.file, "-t", "f64", "-")
    yield from complaints("sox", product.order.info.name, said)
    yield from compare.hear(product, np.frombuffer(out, "<f8").reshape(-1, product.order.channels))


RAW: dict[str, Callable[[pb.AudioOutput], str]] = {
    "pcm": lambda output: FFMPEG_NAMES[output.sample_format],
    "mulaw": lambda output: "mulaw",
    "alaw": lambda output: "alaw",
}
"""FFmpeg's names of formats without a header that identifies them."""

_ALL: tuple[Judge, ...] = (ffmpeg, ffmpeg_live, ffprobe, gstreamer, mediainfo, mpv)
"""Judges of every format with such a header."""

JUDGES: dict[str, tuple[Judge, ...]] = {
    "wav": (*_ALL, libsndfile, mkvmerge, mutagen_, sox, symphonia, taglib),
    "vorbis": (*_ALL, libsndfile, mkvmerge, mutagen_, ogginfo, oggdec, oggz_validate, symphonia, taglib),
    "opus": (*_ALL, libsndfile, mkvmerge, mutagen_, ogginfo, oggz_validate, opusinfo, opusdec, taglib),
    "flac": (*_ALL, flac, libsndfile, metaflac, mkvmerge, mutagen_, sox, symphonia, taglib),
    "mp3": (*_ALL, libsndfile, mkvmerge, mpg123, mp3val, mutagen_, symphonia, taglib),
    "aac": (*_ALL, faad, mkvmerge, mutagen_, symphonia),
    "pcm": (ffmpeg,),
    "wav-mulaw": (*_ALL, libsndfile, mutagen_, sox, symphonia, taglib),
    "wav-alaw": (*_ALL, libsndfile, mutagen_, sox, symphonia, taglib),
    "mulaw": (ffmpeg,),
    "alaw": (ffmpeg,),
    "m4a": (*_ALL, atomicparsley, faad, mkvmerge, mutagen_, symphonia, taglib),
    "fmp4": (*_ALL, atomicparsley, mkvmerge, mutagen_, symphonia, taglib),
    "webm": (*_ALL, mkvinfo, mkvmerge),
    # Without libsndfile 1.2.2 and mkvmerge 74, which can't open most files of `flac --ogg` either.
    "ogg-flac": (*_ALL, flac, mutagen_, ogginfo, oggz_validate, symphonia, taglib),
}
"""Judges by the name of the format in ListFormats."""


def _ffmpeg_decode(product: Product, level: str, source: Path | str, stdin: bytes = b"") -> tuple[Signal, str]:
    order = product.order
    raw: tuple[Any, ...] = ()
    if order.info.name in RAW:
        raw = ("-f", RAW[order.info.name](product.started.output), "-ar", order.rate, "-ac", order.channels)
    out, said = run("ffmpeg", "-v", level, *raw, "-i", source, "-f", "f64le", "-c:a", "pcm_f64le", "-", stdin=stdin)
    return np.frombuffer(out, "<f8").reshape(-1, order.channels), said


def _conformance(extra: Mapping[str, Any]) -> list[str]:
    return [f"{key}: {value}" for key, value in extra.items() if "Conformance" in key or "IsTruncated" in key]


def _lines(out: bytes, pattern: str) -> str:
    lines = out.decode(errors="replace").splitlines()
    return "\n" + "\n".join(line for line in lines if re.search(pattern, line, re.IGNORECASE))
