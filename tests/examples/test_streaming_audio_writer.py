"""The example StreamingAudioWriter, used like the class that it replaces."""

import warnings

import numpy as np
import pytest
from audiowriter_core import FORMATS, InvalidArgument, WrongState
from audiowriter_core.audio.sample_types import Samples
from streaming_audio_writer import NAMES, StreamingAudioWriter
from support.decode import JUDGES, by_ffmpeg
from support.streams import speechlike

RATE = 24000
SECOND = speechlike(RATE)
AAC_DELAY = 1024
"""Samples that an ADTS decoder returns before the first input sample."""

names = pytest.mark.parametrize("name", NAMES)


def stream(writer: StreamingAudioWriter, chunks: list[Samples]) -> tuple[list[bytes], bytes]:
    """Return the bytes of each call, and the stored file."""
    calls = [writer.write_chunk(chunk) for chunk in chunks] + [writer.write_chunk(finalize=True)]
    writer.close()
    live = b"".join(calls)
    return calls, writer.header + live[len(writer.header) :]


@names
def test_the_file_has_every_sample_for_any_dtype(name: str) -> None:
    halves: list[Samples] = [SECOND[:10_000, 0], SECOND[10_000:].astype(np.float32) / 32768]
    calls, file = stream(StreamingAudioWriter(name, RATE), halves)
    row = FORMATS[NAMES[name]]
    decode = JUDGES[row.name]
    if row.lossless:
        np.testing.assert_array_equal(decode(file), SECOND)
        np.testing.assert_array_equal(decode(b"".join(calls)), SECOND)
    else:
        heard = decode(file)[0 if row.sample_exact else AAC_DELAY :, 0]
        assert len(heard) == RATE or not row.sample_exact
        assert np.corrcoef(heard[:RATE], SECOND[:, 0])[0, 1] > 0.95
        assert len(decode(b"".join(calls))) >= RATE


@names
def test_each_call_returns_its_audio(name: str) -> None:
    calls, _ = stream(StreamingAudioWriter(name, RATE), [SECOND, SECOND])
    for number in (1, 2):
        live = b"".join(calls[:number])
        seconds = len(live) / 2 / RATE if name == "pcm" else len(by_ffmpeg(live)) / (48000 if name == "opus" else RATE)
        assert seconds > number - (0.6 if name == "ogg" else 0.35), "libvorbis closes a page when it has 4 KiB"


@names
def test_two_channels_may_be_interleaved_or_columns(name: str) -> None:
    stereo = speechlike(RATE, channels=2)
    files = [stream(StreamingAudioWriter(name, RATE, channels=2), [chunk])[1] for chunk in (stereo, stereo.reshape(-1))]
    if name not in ("ogg", "opus"):  # Ogg's serial numbers are random
        assert files[0] == files[1]
    if name == "pcm":
        np.testing.assert_array_equal(np.frombuffer(files[0], "<i2").reshape(-1, 2), stereo)
    else:
        assert {by_ffmpeg(file).shape[1] for file in files} == {2}


@pytest.mark.parametrize("rate", [22050, 44100])
def test_opus_accepts_rates_that_it_resamples(rate: int) -> None:
    _, file = stream(StreamingAudioWriter("opus", rate), [speechlike(rate, rate)])
    assert len(by_ffmpeg(file)) == pytest.approx(48000, abs=2)


def test_too_high_a_bitrate_is_reduced_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="aac supports at most 96000 bit/s at 16000 Hz"):
        writer = StreamingAudioWriter("aac", 16_000)
    _, file = stream(writer, [speechlike(16_000, 16_000)])
    assert len(by_ffmpeg(file)) >= 16_000
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        StreamingAudioWriter("aac", 24_000).close()


@names
def test_finalize_accepts_a_last_chunk_or_none(name: str) -> None:
    at_once, in_two = StreamingAudioWriter(name, RATE), StreamingAudioWriter(name, RATE)
    assert len(at_once.write_chunk(SECOND, finalize=True)) == len(
        in_two.write_chunk(SECOND) + in_two.write_chunk(finalize=True)
    )
    empty = StreamingAudioWriter(name.upper(), RATE)
    assert empty.write_chunk() == empty.write_chunk(np.zeros(0, np.float32)) == b""
    empty.write_chunk(finalize=True)
    with pytest.raises(WrongState):
        empty.write_chunk(SECOND)
    empty.close()
    empty.close()


def test_invalid_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="format='wma': expected one of wav, opus, flac, mp3, aac, pcm, ogg"):
        StreamingAudioWriter("wma", RATE)
    with pytest.raises(InvalidArgument, match="output_sample_rate_hz=96000: mp3 takes 8000"):
        StreamingAudioWriter("mp3", 96_000)
    with pytest.raises(InvalidArgument, match=r"shape \(2, 100\): channels=1 takes \(n, 1\)"):
        StreamingAudioWriter("wav", RATE).write_chunk(np.zeros((2, 100), np.int16))
