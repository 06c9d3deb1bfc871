"""What describes the audio, read back by other programs: tags and markers that came late, and a cover."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mutagen
import pytest
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter.v1.audio_writer_pb2_grpc import AudioWriterServiceStub
from audiowriter_server.rpc.format_info import list_formats
from support.pictures import png

from lab.reference_decoders import compare, matrix
from lab.reference_decoders.cases import MARKERS, ROOM_BYTES, TAGS
from lab.reference_decoders.complaints import WAVE
from lab.reference_decoders.product import Order, Product, make, metadata
from lab.reference_decoders.signals import tones
from lab.reference_decoders.tools import run

COVER = png(length=30_000)
RATE = 48_000
CHAPTERS = [
    (marker.title, marker.position / RATE) for marker in sorted(MARKERS, key=lambda marker: int(marker.position))
]

Reader = Callable[[Product], Iterator[str]]


def ffprobe_chapters(product: Product) -> Iterator[str]:
    """Read the chapters."""
    out, _ = run("ffprobe", "-v", "error", "-of", "json", "-show_chapters", product.file)
    found = [(one["tags"]["title"], float(one["start_time"])) for one in json.loads(out)["chapters"]]
    yield from compare.differ("chapters", [(title, round(start, 2)) for title, start in found], CHAPTERS)


def mediainfo_chapters(product: Product) -> Iterator[str]:
    """Read the chapters."""
    out, _ = run("mediainfo", "--Output=JSON", product.file)
    (menu,) = [track for track in json.loads(out)["media"]["track"] if track["@type"] == "Menu"]
    yield from compare.differ("chapters", list(menu["extra"].values()), [title for title, _ in CHAPTERS])


def mutagen_chapters(product: Product) -> Iterator[str]:
    """Read the frames CHAP and CTOC."""
    tags: Any = mutagen.File(product.file).tags
    (contents,) = tags.getall("CTOC")
    chapters = [tags[f"CHAP:{name}"] for name in contents.child_element_ids]
    found = [(str(one.sub_frames["TIT2"]), one.start_time / 1000) for one in chapters]
    yield from compare.differ("chapters", found, CHAPTERS)


def mkvmerge_chapters(product: Product) -> Iterator[str]:
    """Count the chapters."""
    out, _ = run("mkvmerge", "-J", product.file)
    yield from compare.differ("chapters", json.loads(out)["chapters"], [{"num_entries": len(CHAPTERS)}])


def ffmpeg_cover(product: Product) -> Iterator[str]:
    """Extract the picture."""
    out, _ = run("ffmpeg", "-v", "error", "-i", product.file, "-map", "0:v", "-c", "copy", "-f", "image2pipe", "-")
    yield from compare.differ("cover", out == COVER, True)


def mediainfo_cover(product: Product) -> Iterator[str]:
    """Find the picture."""
    out, _ = run("mediainfo", "--Output=JSON", "--Full", product.file)
    yield from compare.differ("cover", json.loads(out)["media"]["track"][0].get("Cover"), "Yes")


def metaflac_cover(product: Product) -> Iterator[str]:
    """Extract the picture."""
    out, _ = run("metaflac", "--export-picture-to=-", product.file)
    yield from compare.differ("cover", out == COVER, True)


def atomicparsley_cover(product: Product) -> Iterator[str]:
    """Find the picture."""
    out, _ = run("AtomicParsley", product.file, "-t")
    yield from compare.differ("covers", re.findall(rb'"covr" contains: (\d+)', out), [b"1"])


def mkvmerge_cover(product: Product) -> Iterator[str]:
    """Find the attachment."""
    out, _ = run("mkvmerge", "-J", product.file)
    found = [(one["file_name"], one["content_type"], one["size"]) for one in json.loads(out)["attachments"]]
    yield from compare.differ("attachments", found, [("cover.png", "image/png", len(COVER))])


_OGG = (ffprobe_chapters, mediainfo_chapters, ffmpeg_cover, mediainfo_cover)
_MP4 = (*_OGG, atomicparsley_cover)

READERS: dict[str, tuple[Reader, ...]] = {
    **dict.fromkeys(WAVE, (ffmpeg_cover, mediainfo_cover)),  # tests/core/test_markers.py reads the cue points
    "vorbis": _OGG,
    "opus": _OGG,
    "flac": (*_OGG, metaflac_cover),
    "mp3": (ffprobe_chapters, mutagen_chapters, ffmpeg_cover, mediainfo_cover),
    "m4a": _MP4,
    "fmp4": _MP4,
    "webm": (*_OGG, mkvmerge_chapters, mkvmerge_cover),
    "ogg-flac": (ffprobe_chapters, ffmpeg_cover),  # mediainfo reads no comments of this format
}


def test_every_format_with_tags_has_readers() -> None:
    assert {info.name for info in list_formats().formats if info.max_markers} == set(READERS)


@pytest.mark.parametrize(
    "info", [info for info in list_formats().formats if info.max_markers], ids=lambda info: info.name
)
def test_other_programs_read_what_came_late(
    server: AudioWriterServiceStub, tmp_path: Path, info: pb.FormatInfo, record_property: matrix.Record
) -> None:
    output = pb.AudioOutput(metadata=metadata({"title": "before"}, COVER), metadata_bytes=ROOM_BYTES)
    later = pb.EncodeStreamRequest(metadata=metadata({name: TAGS[name] for name in info.tags}), markers=MARKERS)
    order = Order(info, RATE, 2, output=output, later=later)
    product = make(server, order, tones(RATE, 2, RATE // 2, order.bits), tmp_path)
    faults = {}
    for reader in READERS[info.name]:
        faults[reader.__name__] = found = list(reader(product))
        matrix.record(record_property, info.name, reader.__name__, content=not found)
    assert not {name: found for name, found in faults.items() if found}
