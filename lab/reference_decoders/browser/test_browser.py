"""Chromium decodes each file to its length, and plays each stream while it is being encoded. Needs Debian's chromium."""

import json
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter.v1.audio_writer_pb2_grpc import AudioWriterServiceStub
from audiowriter_server.rpc.format_info import list_formats

from lab.reference_decoders.browser.chromium import missing, open_page
from lab.reference_decoders.browser.site import Site, whole
from lab.reference_decoders.product import Order, Product, make
from lab.reference_decoders.signals import SPEECH_RATE, speech, tones

pytestmark = pytest.mark.timeout(300)

RATE = 48000
"""The sample rate at which Opus is decoded."""
FRAMES = RATE + 1234
LIVE_SECONDS = 12
"""An <audio> element buffers about 240 kB of WAV before it plays: ten seconds of G.711 at SPEECH_RATE."""
PIECE_MS = 40
LIMIT_S = 60
"""Timeout of the next report of a page."""

NO_HEADER = ("pcm", "mulaw", "alaw")
"""Formats that no browser supports."""
INFOS = {info.name: info for info in list_formats().formats if info.name not in NO_HEADER}
MEDIA_SOURCE_TYPES = {
    "aac": "audio/aac",
    "m4a": 'audio/mp4; codecs="mp4a.40.2"',
    "fmp4": 'audio/mp4; codecs="mp4a.40.2"',
    "mp3": "audio/mpeg",
    "webm": 'audio/webm; codecs="opus"',
}
"""Codec strings of Chromium's SourceBuffers."""
OFF = {
    ("vorbis", "live"): -128,  # Chromium drops half of a short window at the start, also with oggenc's files
    ("vorbis", "file"): -128,
    ("fmp4", "live"): -1,  # also with FFmpeg's fragments: it uses their duration, in whole microseconds
    ("fmp4", "file"): -1,
    ("m4a", "live"): -1,
    ("mp3", "live"): 576 + 878 + 1152,  # delay, padding and the Info frame, which has no totals yet
}
"""Difference between Chromium's number of samples and the correct one, by format and kind of file."""


@pytest.fixture(scope="module", autouse=True)
def browser() -> None:
    if line := missing():
        pytest.exit(line, returncode=1)


@pytest.fixture(scope="module")
def products(server: AudioWriterServiceStub, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Product]:
    signal = tones(RATE, 1, FRAMES, 16)
    return {
        name: make(server, Order(info, RATE), signal, tmp_path_factory.mktemp(name)) for name, info in INFOS.items()
    }


@pytest.fixture(scope="module")
def decoded(products: dict[str, Product], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Return the reports of decode.html by path."""
    files = {
        f"/{kind}/{name}": getattr(product, kind) for name, product in products.items() for kind in ("live", "file")
    }
    site = Site({path: whole("audio/any", file.read_bytes()) for path, file in files.items()})
    site.bodies["/cases"] = whole("application/json", json.dumps({"paths": list(files), "rate": RATE}).encode())
    with site, open_page(site.url("/decode.html"), tmp_path_factory.mktemp("profile")):
        reports = [site.reports.get(timeout=LIMIT_S) for _ in files]
    return {report["path"]: report for report in reports}


@pytest.mark.parametrize("kind", ["live", "file"])
@pytest.mark.parametrize("name", INFOS)
def test_decode_audio_data_returns_every_sample(
    name: str, kind: str, products: dict[str, Product], decoded: dict[str, dict[str, Any]]
) -> None:
    report = decoded[f"/{kind}/{name}"]
    assert report.get("frames") == products[name].frames + OFF.get((name, kind), 0), report


class LiveStream:
    """Speech that is sent to the server in real time, and from there to the browser."""

    def __init__(self, stub: AudioWriterServiceStub, info: pb.FormatInfo) -> None:
        self._stub = stub
        self._info = info
        self._pcm = np.resize(speech(), LIVE_SECONDS * SPEECH_RATE).tobytes()
        self.has_ended = False

    def body(self) -> tuple[str, Iterator[bytes]]:
        responses = self._stub.EncodeStream(self._requests(), timeout=LIMIT_S)
        return next(responses).started.mime_type, (
            response.chunk.data + response.finished.trailer for response in responses
        )

    def _requests(self) -> Iterator[pb.EncodeStreamRequest]:
        yield pb.EncodeStreamRequest(config=Order(self._info, SPEECH_RATE).config)
        piece = SPEECH_RATE * 2 * PIECE_MS // 1000
        due = time.monotonic()
        for at in range(0, len(self._pcm), piece):
            time.sleep(max(0, due - time.monotonic()))
            due += PIECE_MS / 1000
            yield pb.EncodeStreamRequest(pcm=self._pcm[at : at + piece])
        self.has_ended = True


@pytest.fixture(scope="module")
def heard(server: AudioWriterServiceStub, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Return, by path, whether playback started before the stream ended, and the report of its end."""
    types: dict[str, str | None] = {f"/audio/{name}": None for name in INFOS}
    types |= {f"/source/{name}": mime_type for name, mime_type in MEDIA_SOURCE_TYPES.items()}
    streams = {path: LiveStream(server, INFOS[path.rpartition("/")[2]]) for path in types}
    site = Site({path: stream.body for path, stream in streams.items()})
    cases = json.dumps([{"path": path, "media_source_type": mime_type} for path, mime_type in types.items()])
    site.bodies["/cases"] = whole("application/json", cases.encode())
    found: dict[str, dict[str, Any]] = {path: {"early": False} for path in types}
    with site, open_page(site.url("/listen.html"), tmp_path_factory.mktemp("profile")):
        while not all("event" in report for report in found.values()):
            report = site.reports.get(timeout=LIMIT_S)
            if report["event"] == "playing":
                found[report["path"]]["early"] = not streams[report["path"]].has_ended
            else:
                found[report["path"]] |= report
    return found


@pytest.mark.parametrize("name", INFOS)
def test_an_audio_element_plays_before_the_stream_has_ended(name: str, heard: dict[str, dict[str, Any]]) -> None:
    report = heard[f"/audio/{name}"]
    assert "error" not in report
    assert report["early"], report
    # At the end the element's clock shows the length in the header, which is too large in a live WAV.
    assert report["time"] > LIVE_SECONDS - 0.2


@pytest.mark.parametrize("name", MEDIA_SOURCE_TYPES)
def test_media_source_plays_before_the_stream_has_ended(name: str, heard: dict[str, dict[str, Any]]) -> None:
    report = heard[f"/source/{name}"]
    assert "error" not in report
    assert report["early"], report
    assert report["duration"] == pytest.approx(LIVE_SECONDS, abs=0.1)
