"""faad, which decodes AAC in ADTS and MP4, and AtomicParsley, which reads and edits MP4: each has its own MP4 reader."""

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
    """Decodes with libfaad, which omits the codec's delay. In MP4 it finds the frames by adding up their sizes."""
    floats = 4
    out, said = run("faad", "-q", "-f", 2, "-b", floats, "-w", product.file)
    yield from complaints("faad", product.order.info.name, said)
    channels = max(2, product.order.channels)  # mono comes out as stereo
    samples = np.frombuffer(out, "<f4").reshape(-1, channels).astype(np.float64)
    frames = len(product.signal) + product.finished.padding_samples
    yield from compare.differ("frames", len(samples), frames)
    if product.order.channels <= 2:  # its channel order is the codec's
        yield from compare.hear(product, samples, more=None)


@beside_control
def atomicparsley(product: Product) -> Iterator[str]:
    """Reads tags and, of a file that is not fragmented, the duration; a copy with another title sounds the same."""
    out, said = run("AtomicParsley", product.file, "--textdata")
    yield from complaints("atomicparsley", product.order.info.name, said)
    texts = dict(re.findall(r'Atom "(.{4})" contains: (.*)', out.decode()))
    yield from compare.tags(product, {name: texts.get(atom, "") for name, atom in ATOMS.items()})
    if product.order.info.name == "fmp4":
        return  # it reads no fragments, and an edited copy loses the first one; FFmpeg's file does, too
    out, _ = run("AtomicParsley", product.file, "--test", 1)
    seconds = re.search(rb"Movie duration: ([\d.]+) seconds", out)
    yield from compare.duration(product, float(seconds[1]) if seconds else 0, tolerance=0.001)
    edited = product.file.with_stem("edited")
    _, said = run("AtomicParsley", product.file, "--title", "A new title", "--output", edited)
    yield from complaints("atomicparsley", product.order.info.name, said)
    yield from compare.differ("sound of an edited copy", _sound(edited), _sound(product.file))
    edited.unlink(missing_ok=True)


def _sound(path: Path) -> bytes:
    return run("ffmpeg", "-v", "error", "-i", path, "-f", "md5", "-")[0]
