"""Compares files with the input, within tolerances. Each function yields the differences."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from audiowriter.v1 import audio_writer_pb2 as pb

from lab.reference_decoders.product import Product
from lab.reference_decoders.signals import Signal, frequencies

COMMENT_NAMES = {"track": "tracknumber"}
"""Names of tags in Vorbis comments, if they differ from ours."""

OPUS = ("opus", "webm")
"""Formats that are decoded at 48 kHz, whatever the rate of the input."""

COUNTED: dict[str, Callable[[pb.Totals], int]] = {
    "opus": lambda totals: totals.delay_samples,
    "mp3": lambda totals: totals.delay_samples + totals.padding_samples,
    "fmp4": lambda totals: totals.delay_samples,
}
"""Samples that ffprobe and mediainfo include in the duration although no decoder returns them. They do the same with
the files of opusenc, lame and ffmpeg."""


def decoded_rate(product: Product) -> int:
    """Return the rate in Hz at which the file is decoded."""
    return 48000 if product.order.info.name in OPUS else product.order.rate


def hear(product: Product, samples: Signal, *, more: int | None = 0) -> Iterator[str]:
    """Compare decoded samples with the input. `more`: known number of surplus frames; None: unknown."""
    order = product.order
    if order.info.lossless:
        if len(samples) != len(product.signal):
            yield f"{len(samples)} frames, expected {len(product.signal)}"
        elif not np.array_equal(samples, product.signal):
            frame, channel = np.argwhere(samples != product.signal)[0]
            yield f"first difference at frame {frame}, channel {channel}"
        return
    if not len(samples):
        yield "only silence"
        return
    rate = decoded_rate(product)
    frames = product.frames * rate // order.rate
    if more is not None and len(samples) != frames + more:
        yield f"{len(samples)} frames, expected {frames + more}"
    for channel, frequency in enumerate(frequencies(order.rate, order.channels)):
        spectrum = np.abs(np.fft.rfft(samples[:, channel] * np.hanning(len(samples))))
        loudest = float(np.argmax(spectrum)) * rate / len(samples)
        if abs(loudest - frequency) > 2 * rate / len(samples):
            yield f"channel {channel}: loudest at {loudest:.0f} Hz, expected {frequency:.0f}"


def duration(product: Product, seconds: float, tolerance: float = 1e-4) -> Iterator[str]:
    right = len(product.signal) / product.order.rate
    if abs(seconds - right) > tolerance + 1 / product.order.rate:
        yield f"{seconds:.6f} s, expected {right:.6f}"


def container_duration(product: Product, seconds: float, tolerance: float = 1e-4) -> Iterator[str]:
    counted = COUNTED.get(product.order.info.name)
    extra = counted(product.totals) if counted else 0
    yield from duration(product, seconds - extra / product.order.rate, tolerance)


def tags(product: Product, reported: Mapping[str, str]) -> Iterator[str]:
    lower = {name.lower(): value for name, value in reported.items()}
    for name, value in product.order.tags.items():
        got = lower.get(name, lower.get(COMMENT_NAMES.get(name, name)))
        if got != value:
            yield f"tag {name}: {got!r}, expected {value!r}"


def comments(product: Product, out: bytes) -> Iterator[str]:
    lines = (line.strip().partition("=") for line in out.decode(errors="replace").splitlines())
    yield from tags(product, {name: value for name, equals, value in lines if equals})


def differ(what: str, reported: object, right: object) -> Iterator[str]:
    if reported != right:
        yield f"{what}: {reported}, expected {right}"
