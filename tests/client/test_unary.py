import io

import grpc
import numpy as np
import pytest
import soundfile
from audiowriter_client import (
    AudioWriter,
    CallFailed,
    InvalidArgument,
    LimitExceeded,
    async_encode,
    async_get_server_info,
    async_list_formats,
    async_resolve_config,
    encode,
    get_server_info,
    list_formats,
    resolve_config,
    stream_config,
)
from numpy.typing import NDArray


def test_encode_returns_the_file(target: str, samples: NDArray[np.int16]) -> None:
    file = encode(target, stream_config(format="flac", sample_rate_hz=24000), samples)
    decoded, _ = soundfile.read(io.BytesIO(file), dtype="int16")
    np.testing.assert_array_equal(decoded, samples)


@pytest.mark.parametrize("law", ["mulaw", "alaw"])
async def test_arrays_of_g711_are_copied_into_a_file_of_the_same_law(target: str, law: str) -> None:
    codes = np.arange(256, dtype=np.uint8).reshape(-1, 2)
    config = stream_config(format=law, sample_rate_hz=8000, channels=2, sample_format=law)
    assert encode(target, config, codes) == codes.tobytes()
    assert await async_encode(target, config, codes) == codes.tobytes()
    live = bytearray()
    with AudioWriter.open(target, config, live.extend) as writer:
        writer.write(codes)
    assert live == codes.tobytes()


def test_every_listed_format_has_a_name(target: str) -> None:
    for info in list_formats(target):
        assert stream_config(format=info.name, sample_rate_hz=8000).output.format == info.format


def test_refusal_raises_an_error_of_this_package(target: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        encode(target, stream_config(format="mp3", sample_rate_hz=44101), b"")
    assert caught.value.violations


def test_pcm_beyond_the_message_limit_is_refused(target: str) -> None:
    with pytest.raises(LimitExceeded):
        encode(target, stream_config(format="wav", sample_rate_hz=24000), bytes(5 * 2**20))


def test_credentials_enable_tls(target: str) -> None:
    with pytest.raises(CallFailed) as caught:  # this server uses no TLS
        list_formats(target, credentials=grpc.ssl_channel_credentials())
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE


def test_channel_with_credentials_is_an_error(target: str) -> None:
    with grpc.insecure_channel(target) as channel, pytest.raises(ValueError, match="credentials"):
        list_formats(channel, credentials=grpc.ssl_channel_credentials())


async def test_asyncio_calls_return_the_same(target: str, samples: NDArray[np.int16]) -> None:
    config = stream_config(format="mp3", sample_rate_hz=24000)
    assert await async_encode(target, config, samples) == encode(target, config, samples)
    assert list(await async_list_formats(target)) == list(list_formats(target))


async def test_asyncio_calls_raise_the_same(target: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await async_encode(target, stream_config(format="mp3", sample_rate_hz=44101), b"")
    assert caught.value.violations


async def test_a_config_is_resolved_without_a_stream(target: str) -> None:
    wanted = stream_config(format="opus", sample_rate_hz=44100, page_ms=10)
    started = resolve_config(target, wanted)
    assert (started.output.sample_rate_hz, started.output.opus_frame.nanos, started.delay_samples) == (
        48000,
        10**7,
        312,
    )
    assert await async_resolve_config(target, wanted) == started


async def test_a_bad_config_is_refused_without_a_stream(target: str) -> None:
    wrong = stream_config(format="mp3", sample_rate_hz=44101)
    with pytest.raises(InvalidArgument, match="sample_rate_hz"):
        resolve_config(target, wrong)
    with pytest.raises(InvalidArgument, match="sample_rate_hz"):
        await async_resolve_config(target, wrong)


async def test_the_server_says_its_limits(target: str) -> None:
    info = get_server_info(target)
    assert info.version and info.limits.max_message_bytes == 4 * 2**20
    assert await async_get_server_info(target) == info
