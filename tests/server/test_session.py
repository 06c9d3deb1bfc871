"""The order of messages in a stream. Any order ends in a file or in one of the documented errors."""

import pytest
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_core import AudioWriterError
from audiowriter_server.errors import OutOfOrder
from audiowriter_server.rpc.session import Session
from hypothesis import given, settings
from hypothesis import strategies as st
from support.streams import NAMES, config, encode, run, speechlike

Request = pb.EncodeStreamRequest


def test_config_and_pcm_may_be_in_one_message() -> None:
    pcm = speechlike(5000).tobytes()
    together = run([Request(config=config("wav"), pcm=pcm)])
    assert together.file == encode(config("wav"), pcm).file


def test_a_repeated_identical_config_is_a_no_op() -> None:
    pcm = speechlike(5000).tobytes()
    repeated = run(Request(config=config("wav"), pcm=piece) for piece in (pcm[:777], b"", pcm[777:]))
    assert repeated.file == encode(config("wav"), pcm).file


@pytest.mark.parametrize(
    ("requests", "reason"),
    [
        ([Request(pcm=b"\0\0")], "CONFIG_MISSING"),
        ([Request()], "CONFIG_MISSING"),
        ([Request(flush=pb.Flush())], "CONFIG_MISSING"),
        ([], "CONFIG_MISSING"),
        ([Request(config=config("wav")), Request(config=config("wav", rate=8000))], "CONFIG_CHANGED"),
    ],
)
def test_out_of_order_is_refused(requests: list[Request], reason: str) -> None:
    with pytest.raises(OutOfOrder) as caught:
        run(requests)
    assert caught.value.reason == reason


def test_a_long_message_returns_bytes_before_its_end() -> None:
    session = Session()
    encoder = session.configure(config("opus"))
    parts = encoder.cost.slices(speechlike(240_000).tobytes())
    taken = [session.encode(part)[-1].chunk.input_samples for part in parts]
    assert taken[:2] == [24_000, 48_000], "one second at a time"
    session.close()


def test_no_response_is_larger_than_documented() -> None:
    pcm = speechlike(30_000, 8000).tobytes()
    encoded = run([Request(config=config("wav", 8000, out_rate=768_000, out_sample_format="F64LE"), pcm=pcm)])
    assert max(len(chunk.data) for chunk in encoded.chunks) <= 512 * 1024


configs = st.builds(
    config,
    st.sampled_from(list(NAMES)),
    rate=st.sampled_from([0, 8000, 22050, 24000, 44100, 48000, 44101]),
    channels=st.integers(0, 9),
    sample_format=st.sampled_from(["S16LE", "S24LE", "S32LE", "F32LE", "F64LE", "U8", "MULAW", "ALAW"]),
    out_rate=st.sampled_from([0, 0, 8000, 16000, 24000, 48000, 12345]),
    out_channels=st.integers(0, 3),
    page_ms=st.sampled_from([0, 0, 20, 77]),
    tags=st.dictionaries(st.sampled_from(["title", "track", "mood"]), st.text(max_size=20), max_size=2),
)
any_request = st.builds(
    Request, config=st.none() | configs, pcm=st.binary(max_size=5000), flush=st.none() | st.just(pb.Flush())
)


@settings(max_examples=300, deadline=None)
@given(st.lists(any_request, max_size=5))
def test_any_messages_end_in_a_file_or_in_a_documented_error(requests: list[Request]) -> None:
    try:
        encoded = run(requests)
    except (AudioWriterError, OutOfOrder):
        return
    assert encoded.totals.file_bytes == len(encoded.file)


@settings(max_examples=60, deadline=None)
@given(configs, st.binary(max_size=20_000), st.lists(st.integers(0, 20_000), max_size=5))
def test_any_bytes_as_pcm_end_in_a_file_or_in_a_documented_error(
    wanted: pb.StreamConfig, pcm: bytes, cuts: list[int]
) -> None:
    try:
        encoded = encode(wanted, pcm, [min(cut, len(pcm)) for cut in cuts])
    except (AudioWriterError, OutOfOrder):
        return
    assert encoded.totals.output_samples >= 0
