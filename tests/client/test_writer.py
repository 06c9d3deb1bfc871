import hashlib
import io
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import google_crc32c
import grpc
import numpy as np
import pytest
import soundfile
from audiowriter_client import (
    AudioWriter,
    InvalidArgument,
    ServiceUnavailable,
    StreamCancelled,
    stream_config,
)
from numpy.typing import NDArray

FORMATS = ["wav", "vorbis", "opus", "flac", "mp3", "aac", "pcm"]
WAV = stream_config(format="wav", sample_rate_hz=24000)

Names = Callable[[], list[str]]
OwnServer = tuple[str, Callable[[], None]]


@pytest.mark.parametrize("name", FORMATS)
def test_file_is_complete(target: str, tmp_path: Path, names: Names, samples: NDArray[np.int16], name: str) -> None:
    path = tmp_path / "a"
    with AudioWriter.open(target, stream_config(format=name, sample_rate_hz=24000), path) as writer:
        for block in np.array_split(samples, 30):
            writer.write(block)
            assert names() != ["a"]
    assert names() == ["a"]
    assert path.stat().st_size == writer.result.file_bytes == writer.bytes_received
    assert writer.result.input_samples == len(samples)


@pytest.mark.parametrize("name", ["wav", "flac"])
def test_header_is_replaced(target: str, tmp_path: Path, samples: NDArray[np.int16], name: str) -> None:
    path = tmp_path / f"a.{name}"
    with AudioWriter.open(target, stream_config(format=name, sample_rate_hz=24000), path) as writer:
        writer.write(samples)
    assert path.read_bytes().startswith(writer.header)
    assert google_crc32c.value(path.read_bytes()) == writer.result.file_crc32c
    decoded, rate = soundfile.read(path, dtype="int16")
    assert rate == 24000
    np.testing.assert_array_equal(decoded, samples)


def test_every_sink_receives_the_same_file(target: str, tmp_path: Path, samples: NDArray[np.int16]) -> None:
    file, live = io.BytesIO(), bytearray()
    for sink in (tmp_path / "a.wav", file, live.extend):
        with AudioWriter.open(target, WAV, sink) as writer:
            writer.write(samples)
    assert file.getvalue() == (tmp_path / "a.wav").read_bytes()
    assert writer.header + live[len(writer.header) :] == file.getvalue() != live
    assert hashlib.sha256(live).digest() == writer.result.sent_sha256


@pytest.mark.parametrize("size", [1, 7, 333, 4096, 10**6])
def test_file_does_not_depend_on_the_cut(target: str, samples: NDArray[np.int16], size: int) -> None:
    pcm = samples[:5000].tobytes()
    whole, cut = io.BytesIO(), io.BytesIO()
    with AudioWriter.open(target, WAV, whole) as writer:
        writer.write(samples[:5000])
    with AudioWriter.open(target, WAV, cut) as writer:
        for start in range(0, len(pcm), size):
            writer.write(pcm[start : start + size])
    assert cut.getvalue() == whole.getvalue()


def test_empty_stream_is_a_valid_file(target: str, tmp_path: Path) -> None:
    with AudioWriter.open(target, WAV, tmp_path / "a.wav"):
        pass
    assert soundfile.info(tmp_path / "a.wav").frames == 0


def test_started_is_known_before_any_pcm(target: str) -> None:
    config = stream_config(format="opus", sample_rate_hz=22050)
    with AudioWriter.open(target, config, io.BytesIO()) as writer:
        assert writer.started.output.sample_rate_hz == 24000
        assert writer.started.file_extension == ".opus"


def test_flush_waits_for_its_bytes(target: str, samples: NDArray[np.int16]) -> None:
    live = bytearray()
    with AudioWriter.open(target, stream_config(format="pcm", sample_rate_hz=24000), live.extend) as writer:
        writer.write(samples)
        flushed = writer.flush()
        assert (flushed.input_samples, flushed.offset, flushed.held_samples) == (len(samples), samples.nbytes, 0)
        assert live == samples.tobytes()
        writer.write(samples[:10])
        assert writer.flush().input_samples == len(samples) + 10


def test_refused_config_names_every_field(target: str, tmp_path: Path, names: Names) -> None:
    config = stream_config(format="mp3", sample_rate_hz=44101, channels=3)
    with pytest.raises(InvalidArgument) as caught, AudioWriter.open(target, config, tmp_path / "a.mp3") as writer:
        _ = writer.started
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    fields = {violation.field for violation in caught.value.violations}
    assert any("sample_rate_hz" in field for field in fields)
    assert any("channels" in field for field in fields)
    assert "\n" not in str(caught.value)
    assert names() == []


def test_failed_stream_makes_write_raise_soon(target: str, samples: NDArray[np.int16]) -> None:
    config = stream_config(format="mp3", sample_rate_hz=44101)
    with pytest.raises(InvalidArgument), AudioWriter.open(target, config, io.BytesIO()) as writer:
        for _ in range(10_000):
            writer.write(samples)
    with pytest.raises(InvalidArgument):
        writer.write(samples)
    with pytest.raises(InvalidArgument):
        _ = writer.result


@pytest.mark.parametrize(("sample_format", "pcm"), [("s16le", b"\0\0\0"), ("f32le", np.array([np.nan], np.float32))])
def test_bad_pcm_is_refused(target: str, tmp_path: Path, names: Names, sample_format: str, pcm: Any) -> None:
    config = stream_config(format="wav", sample_rate_hz=24000, sample_format=sample_format)
    with pytest.raises(InvalidArgument), AudioWriter.open(target, config, tmp_path / "a.wav") as writer:
        writer.write(pcm)
    assert names() == []


def test_array_that_does_not_match_the_config_is_refused(target: str, tmp_path: Path, names: Names) -> None:
    with pytest.raises(TypeError, match="float32"), AudioWriter.open(target, WAV, tmp_path / "a.wav") as writer:
        writer.write(np.zeros(10, np.float32))
    assert names() == []


def test_leaving_by_an_exception_leaves_no_file(
    target: str, tmp_path: Path, names: Names, samples: NDArray[np.int16]
) -> None:
    with pytest.raises(ZeroDivisionError), AudioWriter.open(target, WAV, tmp_path / "a.wav") as writer:
        writer.write(samples)
        assert len(names()) == 1
        _ = 1 / 0
    assert names() == []


def test_cancel_leaves_no_file(target: str, tmp_path: Path, names: Names, samples: NDArray[np.int16]) -> None:
    writer = AudioWriter.open(target, WAV, tmp_path / "a.wav")
    writer.write(samples)
    writer.cancel()
    assert names() == []
    with pytest.raises(StreamCancelled):
        writer.write(samples)
    with pytest.raises(StreamCancelled):
        writer.close()


def test_cancel_after_the_end_has_no_effect(target: str, tmp_path: Path, names: Names) -> None:
    writer = AudioWriter.open(target, WAV, tmp_path / "a.wav")
    writer.close()
    writer.cancel()
    writer.close()
    assert names() == ["a.wav"]
    with pytest.raises(ValueError, match="closed"):
        writer.write(b"")


def test_slow_sink_blocks_the_writer_without_a_deadlock(target: str) -> None:
    go, written = threading.Event(), []

    def sink(data: bytes) -> None:
        go.wait(30)

    def write() -> None:
        with AudioWriter.open(target, stream_config(format="pcm", sample_rate_hz=24000), sink) as writer:
            for _ in range(64):
                writer.write(bytes(2**20))
                written.append(2**20)

    thread = threading.Thread(target=write)
    thread.start()
    time.sleep(1)
    held_at = sum(written)
    go.set()
    thread.join(60)
    assert not thread.is_alive()
    assert held_at < 32 * 2**20
    assert sum(written) == 64 * 2**20


def test_cancel_unblocks_a_writer(target: str) -> None:
    go = threading.Event()

    def sink(data: bytes) -> None:
        go.wait(30)

    def cancel() -> None:
        go.set()
        writer.cancel()

    writer = AudioWriter.open(target, stream_config(format="pcm", sample_rate_hz=24000), sink)
    timer = threading.Timer(1, cancel)
    timer.start()
    with pytest.raises(StreamCancelled):
        for _ in range(1024):
            writer.write(bytes(2**20))
    timer.join()


@pytest.mark.parametrize("name", ["wav", "flac"])
def test_long_stream_does_not_deadlock(target: str, tmp_path: Path, samples: NDArray[np.int16], name: str) -> None:
    block = np.tile(samples, 7)[: 2**19].reshape(-1, 2)  # 1 MiB
    config = stream_config(format=name, sample_rate_hz=48000, channels=2)
    with AudioWriter.open(target, config, tmp_path / "a") as writer:
        for _ in range(100):
            writer.write(block)
    assert writer.result.output_samples == 100 * len(block)
    assert soundfile.info(tmp_path / "a").frames == 100 * len(block)


def test_killed_server_leaves_no_file(
    own_server: OwnServer, tmp_path: Path, names: Names, samples: NDArray[np.int16]
) -> None:
    own_target, kill = own_server
    path = tmp_path / "a.wav"
    with pytest.raises(ServiceUnavailable), AudioWriter.open(own_target, WAV, path, resume_timeout=0) as writer:
        writer.write(samples)
        writer.flush()
        kill()
        while True:
            writer.write(samples)
    assert names() == []


def test_killed_server_ends_a_waiting_close(own_server: OwnServer, tmp_path: Path, names: Names) -> None:
    own_target, kill = own_server
    writer = AudioWriter.open(own_target, WAV, tmp_path / "a.wav", resume_timeout=0)
    writer.flush()
    kill()
    with pytest.raises(ServiceUnavailable):
        writer.close()
    assert names() == []


def test_missing_server_is_reported_in_one_line(tmp_path: Path, names: Names) -> None:
    with pytest.raises(ServiceUnavailable, match=r"^UNAVAILABLE: .*$"):
        AudioWriter.open(f"unix:{tmp_path}/none", WAV, tmp_path / "a.wav").close()
    assert names() == []


def test_error_of_the_sink_is_raised(target: str, samples: NDArray[np.int16]) -> None:
    def full(data: bytes) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"), AudioWriter.open(target, WAV, full) as writer:
        writer.write(samples)


def test_given_channel_stays_open(target: str, tmp_path: Path, names: Names) -> None:
    with grpc.insecure_channel(target) as channel:
        for name in ("a.wav", "b.wav"):
            with AudioWriter.open(channel, WAV, tmp_path / name):
                pass
    assert names() == ["a.wav", "b.wav"]
    with pytest.raises(ValueError, match=r"Channel closed|closed channel"):
        AudioWriter.open(channel, WAV, tmp_path / "c.wav")
    assert names() == ["a.wav", "b.wav"]


def test_path_that_cannot_be_written_is_refused_at_open(target: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        AudioWriter.open(target, WAV, tmp_path / "missing" / "a.wav")


class Later:
    """An awaitable, as a coroutine function returns it."""

    def __await__(self) -> Iterator[None]:
        raise AssertionError


def test_awaitable_of_a_sink_is_an_error(target: str) -> None:
    with (
        pytest.raises(TypeError, match="only AsyncAudioWriter can await it"),
        AudioWriter.open(target, WAV, lambda _: Later()) as writer,
    ):
        writer.flush()
