"""The three methods on a real server, called through generated stubs: sync, asyncio and reflection."""

import time
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import google_crc32c
import grpc
import pytest
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter.v1.audio_writer_pb2_grpc import AudioWriterServiceStub
from audiowriter_core import FORMATS
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from grpc_status import rpc_status
from support.ogg import without_serials
from support.server import CONFIG, FRAME, ServerProcess, Stream, channel_to
from support.streams import NAMES, Encoded, collect, config, encode, requests, speechlike

SERVICE = "audiowriter.v1.AudioWriterService"
PCM = speechlike(24000).tobytes()
PIECES = [PCM[start : start + 960] for start in range(0, len(PCM), 960)]


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess() as process:
        yield process


@pytest.fixture(scope="module")
def channel(server: ServerProcess) -> Iterator[grpc.Channel]:
    with channel_to(server) as open_channel:
        yield open_channel


@pytest.mark.parametrize("name", NAMES)
def test_a_stream_returns_the_file(channel: grpc.Channel, name: str) -> None:
    encoded = Encoded()
    call = AudioWriterServiceStub(channel).EncodeStream(requests(config(name), PIECES))
    collect(call, encoded)
    assert call.code() is grpc.StatusCode.OK
    assert without_serials(encoded.file) == without_serials(encode(config(name), PCM).file)


@pytest.mark.parametrize("name", NAMES)
async def test_an_asyncio_stream_returns_the_file(server: ServerProcess, name: str) -> None:
    encoded = Encoded()
    async with grpc.aio.insecure_channel(server.target) as channel:
        call = AudioWriterServiceStub(channel).EncodeStream()
        for request in requests(config(name), PIECES):
            await call.write(request)
        await call.done_writing()
        while (response := await call.read()) is not grpc.aio.EOF:
            collect([response], encoded)
        assert await call.code() is grpc.StatusCode.OK
    assert without_serials(encoded.file) == without_serials(encode(config(name), PCM).file)


@pytest.mark.parametrize("name", NAMES)
def test_encode_returns_the_whole_file(channel: grpc.Channel, name: str) -> None:
    response = AudioWriterServiceStub(channel).Encode(pb.EncodeRequest(config=config(name), pcm=PCM))
    expected = encode(config(name), PCM)
    assert without_serials(response.file) == without_serials(expected.file)
    assert response.totals.file_bytes == len(response.file)
    assert response.totals.output_samples == expected.totals.output_samples
    assert response.totals.sent_sha256 == sha256(response.file).digest()
    assert response.totals.file_crc32c == google_crc32c.value(response.file)
    response.started.serial = expected.started.serial  # random
    assert response.started == expected.started


def test_a_file_too_large_for_one_message_is_a_named_error(channel: grpc.Channel) -> None:
    wanted = config("wav", 8000, sample_format="U8", out_sample_format="F64LE")
    with pytest.raises(grpc.RpcError) as caught:
        AudioWriterServiceStub(channel).Encode(pb.EncodeRequest(config=wanted, pcm=bytes(1024 * 1024)))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "use EncodeStream" in str(caught.value.details())


def test_list_formats_has_the_limits_that_configs_are_checked_by(channel: grpc.Channel) -> None:
    formats = {info.name: info for info in AudioWriterServiceStub(channel).ListFormats(pb.ListFormatsRequest()).formats}
    assert list(formats) == list(NAMES)
    assert formats["opus"].sample_rates_hz == [8000, 12000, 16000, 24000, 48000]
    assert (formats["wav"].min_sample_rate_hz, formats["wav"].max_sample_rate_hz) == (1000, 768_000)
    assert {name: info.lossless for name, info in formats.items()} == {
        name: row.lossless for name, row in FORMATS.items()
    }


def test_only_files_of_g711_have_its_sample_format(channel: grpc.Channel) -> None:
    formats = AudioWriterServiceStub(channel).ListFormats(pb.ListFormatsRequest()).formats
    for sample_format, names in (("MULAW", ["wav-mulaw", "mulaw"]), ("ALAW", ["wav-alaw", "alaw"])):
        number = pb.SampleFormat.Value(f"SAMPLE_FORMAT_{sample_format}")
        assert [info.name for info in formats if number in info.sample_formats] == names


@pytest.mark.parametrize("law", ["mulaw", "alaw"])
def test_g711_is_copied_as_started_says(channel: grpc.Channel, law: str) -> None:
    stub, wanted, codes = AudioWriterServiceStub(channel), config(law, 8000, 2, law.upper()), bytes(range(256)) * 50
    started = stub.ResolveConfig(pb.ResolveConfigRequest(config=wanted)).started
    assert started.output.sample_format == wanted.input.sample_format
    assert stub.Encode(pb.EncodeRequest(config=wanted, pcm=codes)).file == codes
    encoded = Encoded()
    collect(stub.EncodeStream(requests(wanted, [codes[:4001], codes[4001:]])), encoded)
    assert (encoded.live, encoded.totals.input_samples, encoded.totals.output_samples) == (codes, 6400, 6400)
    assert encoded.started.output == started.output


def test_one_bad_request_lists_all_bad_fields(channel: grpc.Channel) -> None:
    bad = config("mp3", rate=44101, channels=9, effort=11)
    with pytest.raises(grpc.RpcError) as caught:
        list(AudioWriterServiceStub(channel).EncodeStream(requests(bad, [])))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    status = rpc_status.from_call(caught.value)
    assert status is not None
    details = error_details_pb2.BadRequest()
    assert status.details[0].Unpack(details)
    fields = [violation.field for violation in details.field_violations]
    assert fields == ["config.input.channels", "config.output.sample_rate_hz", "config.output.effort"]


@pytest.mark.parametrize(
    ("messages", "code", "words"),
    [
        ([pb.EncodeStreamRequest(pcm=FRAME)], "FAILED_PRECONDITION", "pcm before config"),
        ([], "FAILED_PRECONDITION", "end of stream before config"),
        ([CONFIG, pb.EncodeStreamRequest(config=config("wav"))], "FAILED_PRECONDITION", "config changed"),
        ([CONFIG, pb.EncodeStreamRequest(pcm=b"\0\0\0")], "INVALID_ARGUMENT", "ends with 1 of the 2 bytes of a frame"),
        (list(requests(config("wav", sample_format="F32LE"), [b"\0\0\xc0\x7f"])), "INVALID_ARGUMENT", "nan at frame 0"),
    ],
)
def test_misuse_has_a_status_with_the_reason(
    channel: grpc.Channel, messages: list[pb.EncodeStreamRequest], code: str, words: str
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        list(AudioWriterServiceStub(channel).EncodeStream(iter(messages)))
    assert caught.value.code().name == code
    assert words in str(caught.value.details())


@pytest.mark.parametrize("unit", ["x", "é", "😀", "\n", "%"])
@pytest.mark.parametrize("tags", [1, 16, 1000])
def test_a_status_with_long_bad_tags_fits_into_metadata(channel: grpc.Channel, unit: str, tags: int) -> None:
    bad = {f"{number}{unit * 300}": unit * 300 for number in range(tags)}
    wanted = config("mp3", effort=11, page_ms=7, tags=bad)
    error = Stream(channel, pb.EncodeStreamRequest(config=wanted)).error()
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.fields[:2] == ["config.output.effort", "config.output.page"]
    assert error.fields[2].startswith("config.output.metadata.tags")
    raw = len(quote(error.text)) + len(b64encode(error.trailing["grpc-status-details-bin"]))
    assert raw < 8192 - 512, "the rest is for other metadata"


def test_a_cancelled_stream_is_freed_within_a_second(server: ServerProcess) -> None:
    with channel_to(server) as channel:
        stream = Stream(channel).start()
        cancelled = time.monotonic()
        stream.call.cancel()
        server.wait_for_line("call")
        assert time.monotonic() - cancelled < 1
        stream.error()


def test_a_lost_connection_frees_its_streams_within_a_second(server: ServerProcess) -> None:
    with channel_to(server) as channel:
        stream = Stream(channel).start()
        lost = time.monotonic()
    server.wait_for_line("call")
    assert time.monotonic() - lost < 1
    stream.error()


def test_bytes_are_received_while_the_stream_runs(channel: grpc.Channel) -> None:
    stream = Stream(channel, pb.EncodeStreamRequest(config=config("pcm"))).start()
    for sent in range(1, 4):
        stream.send(pb.EncodeStreamRequest(pcm=FRAME))
        chunk = next(stream.call).chunk
        assert (len(chunk.data), chunk.input_samples) == (960, 480 * sent)
    assert stream.finish().input_samples == 3 * 480


@pytest.mark.parametrize(("name", "within_ms"), [("opus", 120), ("mp3", 120), ("aac", 120), ("flac", 192), ("wav", 20)])
def test_the_first_audio_is_sent_as_soon_as_the_codec_has_it(channel: grpc.Channel, name: str, within_ms: int) -> None:
    """FLAC: a block of 4096 samples and one more, which is 171 ms, in complete frames of 20 ms."""
    encoded = Encoded()
    collect(AudioWriterServiceStub(channel).EncodeStream(requests(config(name), PIECES)), encoded)
    head = 64 if name != "opus" else 200  # the size of the header
    audio = next(chunk for chunk in encoded.chunks if chunk.input_samples and chunk.offset + len(chunk.data) > head)
    if name == "flac":
        audio = next(chunk for chunk in encoded.chunks if chunk.input_samples > 480)
    assert audio.input_samples <= within_ms * 24


REFLECTION = pytest.mark.parametrize("version", ["v1", "v1alpha"])


def reflect(channel: grpc.Channel, version: str, **query: str) -> Any:
    """Ask one version of reflection. The messages of both are the same on the wire."""
    call: Any = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        reflection_pb2.ServerReflectionRequest.SerializeToString,
        reflection_pb2.ServerReflectionResponse.FromString,
    )
    return next(call(iter([reflection_pb2.ServerReflectionRequest(**query)]), timeout=20))


@REFLECTION
def test_reflection_lists_all_services(channel: grpc.Channel, version: str) -> None:
    names = {service.name for service in reflect(channel, version, list_services="").list_services_response.service}
    versions = {f"grpc.reflection.{each}.ServerReflection" for each in ("v1", "v1alpha")}
    assert names == {SERVICE, "grpc.health.v1.Health"} | versions


@REFLECTION
def test_reflection_describes_every_service_that_it_lists(channel: grpc.Channel, version: str) -> None:
    for service in reflect(channel, version, list_services="").list_services_response.service:
        answer = reflect(channel, version, file_containing_symbol=service.name)
        file = FileDescriptorProto.FromString(answer.file_descriptor_response.file_descriptor_proto[0])
        assert service.name in {f"{file.package}.{one.name}" for one in file.service}
        again = reflect(channel, version, file_by_filename=file.name)
        assert again.file_descriptor_response == answer.file_descriptor_response


@REFLECTION
@pytest.mark.parametrize(
    "symbol",
    [
        SERVICE,
        f"{SERVICE}.EncodeStream",
        "audiowriter.v1.StreamConfig",
        "grpc.reflection.v1.ServerReflection.ServerReflectionInfo",
        "grpc.reflection.v1.ServerReflectionRequest",
    ],
)
def test_reflection_finds_services_methods_and_messages(channel: grpc.Channel, version: str, symbol: str) -> None:
    answer = reflect(channel, version, file_containing_symbol=symbol)
    assert answer.file_descriptor_response.file_descriptor_proto


@REFLECTION
def test_reflection_does_not_find_unknown_symbols(channel: grpc.Channel, version: str) -> None:
    answer = reflect(channel, version, file_containing_symbol=f"{SERVICE}.Decode")
    assert answer.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


@pytest.mark.parametrize("service", ["", SERVICE])
def test_health_reports_serving(channel: grpc.Channel, service: str) -> None:
    response = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service))
    assert response.status == health_pb2.HealthCheckResponse.SERVING
