"""docs/formats.md is up to date."""

import pytest
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_server.rpc.format_info import list_formats

from lab.documents.formats import DOCUMENT, FRAME_SAMPLES, document, latency_ms
from lab.reference_decoders.signals import SPEECH_RATE


def test_document_is_up_to_date() -> None:
    assert DOCUMENT.read_text() == document(), "run `make formats-doc` and commit the result"


@pytest.mark.parametrize("info", list_formats().formats, ids=lambda info: info.name)
def test_first_audio_arrives_within_the_listed_lookahead(info: pb.FormatInfo) -> None:
    latency = latency_ms(info)
    assert latency is not None
    assert latency * SPEECH_RATE // 1000 <= info.lookahead_samples + FRAME_SAMPLES
