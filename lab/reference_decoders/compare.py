"""What judges compare with what went in, and how far they may be off. Each gives what is wrong."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from audiowriter.v1 import audio_writer_pb2 as pb

from lab.reference_decoders.product import Product
from lab.reference_decoders.signals import Signal, frequencies

COMMENT_NAMES = {"track": "tracknumber"}
"""Of Vorbis comments, where they are not ours."""

OPUS = ("opus", "webm")
"""Decoded at 48 kHz, whatever the rate of the input."""

COUNTED: dict[str, Callable[[pb.StreamFinished], int]] = {
    "opus": lambda finished: finished.delay_samples,
    "mp3": lambda finished: finished.delay_samples + finished.padding_samples,
    "fmp4": lambda finished: finished.delay_samples,
}
"""Samples that ffprobe and mediainfo count into the duration, though no decoder gives them; so they do with the files of
opusenc, lame and ffmpeg."""


def decoded_rate(product: Product) -> int:
    """Rate in Hz at which the file decodes."""
    return 48000 if product.order.info.name in OPUS else product.order.rate


def hear(product: Product, samples: Signal, *, more: int | None = 0) -> Iterator[str]:
    """Compare what a decoder gave with what went in. `more`: frames too many that it is known to give; None: unknown."""
    order = product.order
    if order.info.lossless:
        if len(samples) != len(product.signal):
            yield f"{len(samples)} frames, not {len(product.signal)}"
        elif not np.array_equal(samples, product.signal):
            frame, channel = np.argwhere(samples != product.signal)[0]
            yield f"not bit-exact from frame {frame}, channel {channel} on"
        return
    if not len(samples):
        yield "no sound"
        return
    rate = decoded_rate(product)
    frames = product.frames * rate // order.rate
    if more is not None and len(samples) != frames + more:
        yield f"{len(samples)} frames, not {frames + more}"
    for channel, frequency in enumerate(frequencies(order.rate, order.channels)):
        spectrum = np.abs(np.fft.rfft(samples[:, channel] * np.hanning(len(samples))))
        loudest = float(np.argmax(spectrum)) * rate / len(samples)
        if abs(loudest - frequency) > 2 * rate / len(samples):
            yield f"channel {channel}: loudest at {loudest:.0f} Hz, not {frequency:.0f}"


def duration(product: Product, seconds: float, tolerance: float = 1e-4) -> Iterator[str]:
    right = len(product.signal) / product.order.rate
    if abs(seconds - right) > tolerance + 1 / product.order.rate:
        yield f"{seconds:.6f} s, not {right:.6f}"


def container_duration(product: Product, seconds: float, tolerance: float = 1e-4) -> Iterator[str]:
    counted = COUNTED.get(product.order.info.name)
    extra = counted(product.finished) if counted else 0
    yield from duration(product, seconds - extra / product.order.rate, tolerance)


def tags(product: Product, told: Mapping[str, str]) -> Iterator[str]:
    lower = {name.lower(): value for name, value in told.items()}
    for name, value in product.order.output.tags.items():
        got = lower.get(name, lower.get(COMMENT_NAMES.get(name, name)))
        if got != value:
            yield f"tag {name}: {got!r}, not {value!r}"


def comments(product: Product, out: bytes) -> Iterator[str]:
    lines = (line.strip().partition("=") for line in out.decode(errors="replace").splitlines())
    yield from tags(product, {name: value for name, equals, value in lines if equals})


def differ(what: str, told: object, right: object) -> Iterator[str]:
    if told != right:
        yield f"{what}: {told}, not {right}"
