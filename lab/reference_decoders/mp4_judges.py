"""Judges with their own MP4 parsers: faad decodes AAC in ADTS and MP4, AtomicParsley reads and edits MP4."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lab.reference_decoders import compare
from lab.reference_decoders.complaints import complaints
from lab.reference_decoders.controls import beside_control
from lab.reference_decoders.product import Product
from lab.reference_decoders.tools import run

ATOMS = {
    "title": "©nam",
    "artist": "©ART",
    "album": "©alb",
    "date": "©day",
    "genre": "©gen",
    "comment": "©cmt",
    "track": "trkn",
}


@beside_control
def faad(product: Product) -> Iterator[str]:
    """Decode with libfaad, which removes the codec's delay. In MP4 it finds the frames by adding up their sizes."""
    floats = 4
    out, said = run("faad", "-q", "-f", 2, "-b", floats, "-w", product.file)
    yield from complaints("faad", product.order.info.name, said)
    channels = max(2, product.order.channels)  # mono is decoded to stereo
    samples = np.frombuffer(out, "<f4").reshape(-1, channels).astype(np.float64)
    frames = len(product.signal) + product.totals.padding_samples
    yield from compare.differ("frames", len(samples), frames)
    if product.order.channels <= 2:  # it returns channels in the codec's order
        yield from compare.hear(product, samples, more=None)


@beside_control
def atomicparsley(product: Product) -> Iterator[str]:
    """Read tags and, if the file is not fragmented, the duration; an edited copy must decode to the same samples."""
    out, said = run("AtomicParsley", product.file, "--textdata")
    yield from complaints("atomicparsley", product.order.info.name, said)
    texts = dict(re.findall(r'Atom "(.{4})" contains: (.*)', out.decode()))
    yield from compare.tags(product, {name: texts.get(atom, "") for name, atom in ATOMS.items()})
    if product.order.info.name == "fmp4":
        return  # it reads no fragments, and drops the first one in a copy; also with FFmpeg's file
    out, _ = run("AtomicParsley", product.file, "--test", 1)
    seconds = re.search(rb"Movie duration: ([\d.]+) seconds", out)
    yield from compare.duration(product, float(seconds[1]) if seconds else 0, tolerance=0.001)
    edited = product.file.with_stem("edited")
    _, said = run("AtomicParsley", product.file, "--title", "A new title", "--output", edited)
    yield from complaints("atomicparsley", product.order.info.name, said)
    yield from compare.differ("samples of an edited copy", _sound(edited), _sound(product.file))
    edited.unlink(missing_ok=True)


def _sound(path: Path) -> bytes:
    return run("ffmpeg", "-v", "error", "-i", path, "-f", "md5", "-")[0]
