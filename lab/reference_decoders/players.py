"""mpv, which has its own demuxer for WebM, and symphonia, which shares no code with FFmpeg."""

from collections.abc import Iterator

import numpy as np

from lab.reference_decoders import compare
from lab.reference_decoders.complaints import complaints
from lab.reference_decoders.controls import beside_control
from lab.reference_decoders.product import Product
from lab.reference_decoders.tools import SYMPHONIA, run

_MPV = (
    "mpv --no-config --msg-level=all=warn --video=no "
    "--ao=pcm --ao-pcm-waveheader=no --audio-format=double --audio-channels=auto"
)


@beside_control
def mpv(product: Product) -> Iterator[str]:
    """Decode with mpv into a file."""
    sink = product.file.with_name("mpv.raw")
    out, said = run(*_MPV.split(), f"--ao-pcm-file={sink}", product.file)
    yield from complaints("mpv", product.order.info.name, said + out.decode())
    samples = np.fromfile(sink, "<f8").reshape(-1, product.order.channels)
    sink.unlink()
    yield from compare.hear(product, samples)


@beside_control
def symphonia(product: Product) -> Iterator[str]:
    """Decode, and verify the checksum of FLAC."""
    out, said = run(SYMPHONIA, product.file)
    yield from complaints("symphonia", product.order.info.name, said)
    yield from compare.hear(product, np.frombuffer(out, "<f8").reshape(-1, product.order.channels))
