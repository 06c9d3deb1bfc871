"""Another encoder's file of the same signal. A fault that is also found in that file is a fault of the judge."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import wraps

from audiowriter.v1 import audio_writer_pb2 as pb

from lab.reference_decoders.product import Product
from lab.reference_decoders.signals import FFMPEG_NAMES, to_bytes
from lab.reference_decoders.tools import run

Judge = Callable[[Product], Iterator[str]]

_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_FRAGMENTS = "-c:a aac -movflags +delay_moov+default_base_moof -frag_duration 200000 -brand isom"


def _wav(product: Product) -> str:
    return f"-c:a pcm_{FFMPEG_NAMES[product.started.output.sample_format]} -f wav"


def _flac(product: Product) -> str:
    return f"-c:a flac -sample_fmt {'s16' if product.order.bits <= 16 else 's32'} -f flac"


OPTIONS: dict[str, Callable[[Product], str]] = {
    "wav": _wav,
    "wav-mulaw": lambda _: "-c:a pcm_mulaw -f wav",
    "wav-alaw": lambda _: "-c:a pcm_alaw -f wav",
    "vorbis": lambda _: "-c:a pcm_s24le -f wav",  # input of oggenc
    "opus": lambda _: "-c:a libopus -f opus",
    "flac": _flac,
    "mp3": lambda _: "-c:a libmp3lame -f mp3",
    "aac": lambda _: "-c:a aac -f adts",
    # Without the timescale, FFmpeg rounds the edit list to milliseconds.
    "m4a": lambda product: f"-c:a aac -movie_timescale {product.order.rate} -f ipod",
    "fmp4": lambda _: f"{_FRAGMENTS} -f mp4",
    "webm": lambda _: "-c:a libopus -f webm",
    "ogg-flac": _flac,  # input of flac, which encodes it again into Ogg
}
"""FFmpeg's options by the name of the format in ListFormats."""


def control(product: Product) -> Product:
    """Return the product with another encoder's file instead of ours: oggenc's, flac's for FLAC in Ogg, or FFmpeg's."""
    order = product.order
    path = product.file.with_stem("control")
    target = {"vorbis": path.with_suffix(".wav"), "ogg-flac": path.with_suffix(".flac")}.get(order.info.name, path)
    source = ("-f", "f64le", "-ar", order.rate, "-ac", order.channels, "-channel_layout", _LAYOUTS[order.channels])
    tags = [word for name, value in order.tags.items() for word in ("-metadata", f"{name}={value}")]
    options = OPTIONS[order.info.name](product).split()
    pcm = to_bytes(product.signal, pb.SAMPLE_FORMAT_F64LE)
    _, said = run("ffmpeg", "-v", "error", "-y", *source, "-i", "pipe:0", *options, *tags, target, stdin=pcm)
    assert not said, said
    if order.info.name == "vorbis":
        run("oggenc", "-Q", "-q", 10 * product.started.output.vbr_quality, "-o", path, target)
    elif order.info.name == "ogg-flac":
        run("flac", "--silent", "--ogg", "--output-name", path, target)
    if target != path:
        target.unlink()
    return replace(product, file=path)


def beside_control(judge: Judge) -> Judge:
    """Wrap a judge of the stored file: faults that it also finds in the other encoder's file are ignored."""

    @wraps(judge)
    def judged(product: Product) -> Iterator[str]:
        found = list(judge(product))
        if found:
            reference = control(product)
            excused = set(judge(reference))
            reference.file.unlink()
            yield from (fault for fault in found if fault not in excused)

    return judged
