"""GStreamer as a judge, with the elements that it would select itself."""

import re
import subprocess
from collections.abc import Iterator

import numpy as np

from lab.reference_decoders import compare
from lab.reference_decoders.complaints import complaints
from lab.reference_decoders.controls import beside_control
from lab.reference_decoders.product import Product
from lab.reference_decoders.tools import run

DECODERS = {
    "wav": "wavparse",
    "wav-mulaw": "wavparse ! mulawdec",
    "wav-alaw": "wavparse ! alawdec",
    "vorbis": "oggdemux ! vorbisdec",
    "opus": "oggdemux ! opusdec ! audio/x-raw,rate=48000",
    "flac": "flacparse ! flacdec",
    "mp3": "id3demux ! mpegaudioparse ! mpg123audiodec",
    "aac": "aacparse ! avdec_aac",
    "m4a": "qtdemux ! aacparse ! avdec_aac",
    "fmp4": "qtdemux ! aacparse ! avdec_aac",
    "webm": "matroskademux ! opusdec ! audio/x-raw,rate=48000",
    "ogg-flac": "oggdemux ! flacparse ! flacdec",
}
"""Elements by the name of the format in ListFormats."""

ROUNDING = 1
"""Tolerance in frames: GStreamer cuts the ends at times in whole nanoseconds."""

LIMIT_S = 30

_FLOATS = "audioconvert ! audio/x-raw,format=F64LE,layout=interleaved"
_PROCESS_AND_TIME = re.compile(r"\(gst-launch-1\.0:\d+\)|\d+:\d+:\d+\.\d+")


@beside_control
def gstreamer(product: Product) -> Iterator[str]:
    """Decode twice: `pull` from a file, which can seek, and `push` from a pipe."""
    if not _takes(product):
        return
    sources = {"pull": (f"filesrc location={product.file}", b""), "push": ("fdsrc", product.file.read_bytes())}
    for mode, (source, stdin) in sources.items():
        out, said = _launch(f"{source} ! {DECODERS[product.order.info.name]} ! {_FLOATS} ! fdsink", stdin)
        samples = np.frombuffer(out, "<f8").reshape(-1, product.order.channels)
        faults = (
            *complaints("gstreamer", product.order.info.name, said),
            *_length(product, len(samples)),
            *compare.hear(product, samples, more=None),
        )
        yield from (f"{mode}: {fault}" for fault in faults)


def _length(product: Product, frames: int) -> Iterator[str]:
    """Compare the length. The number of surplus frames depends on block sizes, so it may differ for FFmpeg's file."""
    right = product.frames * (48000 if product.order.info.name in compare.OPUS else product.order.rate)
    missing = right // product.order.rate - frames
    if missing > ROUNDING:
        yield f"{missing} frames are missing"
    if missing < -ROUNDING:
        yield "surplus frames"


def _launch(pipeline: str, stdin: bytes) -> tuple[bytes, str]:
    try:
        out, said = run("gst-launch-1.0", "-q", *pipeline.split(), stdin=stdin, timeout_s=LIMIT_S)
    except subprocess.TimeoutExpired:  # after an error it does not always exit
        return b"", "does not exit"
    assert "no element" not in said, said  # a missing plugin would be ignored, because FFmpeg's file needs it as well
    return out, _PROCESS_AND_TIME.sub("", said)


def _takes(product: Product) -> bool:
    """Whether the decoder supports the rate and the number of channels."""
    g711 = product.order.info.name in ("wav-mulaw", "wav-alaw")
    return not g711 or (product.order.channels <= 2 and 8000 <= product.order.rate <= 192_000)
