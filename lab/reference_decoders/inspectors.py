"""Programs that read, check or remux files without decoding them: TagLib, oggz-validate, metaflac, MKVToolNix."""

import json
import re
from collections.abc import Iterator

import taglib as pytaglib

from lab.reference_decoders import compare
from lab.reference_decoders.complaints import complaints
from lab.reference_decoders.controls import beside_control
from lab.reference_decoders.product import Product
from lab.reference_decoders.tools import run

_WHOLE_MS = 0.001


@beside_control
def taglib(product: Product) -> Iterator[str]:
    """Read channels, rate, duration and tags."""
    name = product.order.info.name
    with pytaglib.File(product.file) as file:
        yield from compare.differ("channels", file.channels, product.order.channels)
        yield from compare.differ("sample rate", file.sampleRate, compare.decoded_rate(product))
        if product.order.info.sample_exact:  # it subtracts the pre-skip of Opus, and what other formats include
            judge = compare.duration if name == "opus" else compare.container_duration
            yield from judge(product, file.length, tolerance=_WHOLE_MS)
        yield from compare.tags(product, {key: "; ".join(values) for key, values in file.tags.items()})


@beside_control
def oggz_validate(product: Product) -> Iterator[str]:
    """Check pages, their order and their granule positions."""
    out, said = run("oggz-validate", product.file)
    yield from complaints("oggz-validate", product.order.info.name, out.decode() + said)


@beside_control
def metaflac(product: Product) -> Iterator[str]:
    """Read the totals of STREAMINFO, and the comments."""
    totals = ("--show-total-samples", "--show-sample-rate", "--show-channels")
    out, said = run("metaflac", *totals, "--export-tags-to=-", product.file)
    yield from complaints("metaflac", product.order.info.name, said)
    right = [len(product.signal), product.order.rate, product.order.channels]
    yield from compare.differ("totals", [int(line) for line in out.split(maxsplit=3)[:3]], right)
    yield from compare.comments(product, out)


@beside_control
def mkvmerge(product: Product) -> Iterator[str]:
    """Identify the file, and remux it without loss."""
    name = product.order.info.name
    found = json.loads(run("mkvmerge", "-J", product.file)[0])
    yield from (*found["errors"], *found["warnings"])
    for track in found.get("tracks", ()):
        yield from compare.differ("channels", track["properties"]["audio_channels"], product.order.channels)
    remuxed = product.file.with_name("remuxed.mka")
    out, said = run("mkvmerge", "-q", "-o", remuxed, product.file)
    yield from complaints("mkvmerge", name, out.decode() + said)
    if remuxed.exists():
        seconds = json.loads(run("mkvmerge", "-J", remuxed)[0])["container"]["properties"]["duration"] / 1e9
        delay = product.totals.delay_samples / product.order.rate if name in compare.OPUS else 0
        yield from compare.duration(product, seconds - delay, tolerance=_WHOLE_MS)
        remuxed.unlink()


@beside_control
def mkvinfo(product: Product) -> Iterator[str]:
    """Check that every element is known, and that there are no bytes between elements."""
    out, said = run("mkvinfo", "--all", product.file)
    yield from complaints("mkvinfo", product.order.info.name, said)
    yield from re.findall("(?i).*(?:unknown|error|invalid|garbage).*", out.decode())
