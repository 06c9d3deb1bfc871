"""Files that end in silence and in an incomplete frame: every judge must return the end."""

from pathlib import Path

import pytest
from audiowriter.v1.audio_writer_pb2_grpc import AudioWriterServiceStub
from audiowriter_server.rpc.format_info import list_formats

from lab.reference_decoders.gstreamer import DECODERS, gstreamer
from lab.reference_decoders.mp4_judges import faad
from lab.reference_decoders.product import Order, make
from lab.reference_decoders.signals import SPEECH_RATE, tones

INFOS = {info.name: info for info in list_formats().formats}
FRAMES = 2 * SPEECH_RATE
"""Samples of several MP4 fragments and Ogg pages."""
SILENT_FRAMES = SPEECH_RATE // 4


@pytest.mark.parametrize("last", [1, 400, 1023, 1024])
@pytest.mark.parametrize("name", DECODERS)
def test_judges_return_all_of_a_silent_end(
    name: str, last: int, server: AudioWriterServiceStub, tmp_path: Path
) -> None:
    """`last`: number of samples in the last AAC frame, which holds 1024."""
    signal = tones(SPEECH_RATE, 1, FRAMES // 1024 * 1024 + last, 16)
    signal[-SILENT_FRAMES:] = 0
    product = make(server, Order(INFOS[name], SPEECH_RATE), signal, tmp_path)
    judges = (gstreamer, faad) if name in ("aac", "m4a") else (gstreamer,)
    assert {judge.__name__: found for judge in judges if (found := list(judge(product)))} == {}
