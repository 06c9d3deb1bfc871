"""A stream survives the loss of its server: servers are ended with SIGKILL while they encode."""

import io
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from audiowriter_client import (
    AudioWriter,
    CallFailed,
    DeadlineExceeded,
    InvalidArgument,
    ServiceUnavailable,
    StreamCancelled,
    encode_iter,
    stream_config,
)
from support.fleet import Fleet
from support.ogg import without_serials
from support.server import LIMIT_S, poll
from support.streams import NAMES, config, encode, speechlike

PCM = speechlike(96_000).tobytes()
PART = 100_001
"""Bytes; it ends inside a sample."""
RAW = config("pcm")

OTHER_VERSION = """
import sys, audiowriter_core.muxers.ogg_opus as muxer
from audiowriter_server.__main__ import main
comments = muxer.comments
muxer.comments = lambda vendor, tags: comments("another version", tags)
sys.exit(main())
"""


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with Fleet(2) as fleet:
        yield fleet


def is_whole(name: str, data: bytes, pcm: bytes = PCM) -> bool:
    return without_serials(data) == without_serials(encode(config(name), pcm).file)


@pytest.mark.parametrize("name", NAMES)
def test_file_and_live_bytes_are_those_of_an_unbroken_stream(tmp_path: Path, name: str) -> None:
    live = bytearray()
    with Fleet(3) as fleet:
        for sink in (tmp_path / "a", live.extend):
            with AudioWriter.open(fleet.target, config(name), sink) as writer:
                writer.write(PCM[:PART])
                assert writer.started.mime_type
                time.sleep(0.1)  # for bytes of the formats that have some by now
                offset = writer.bytes_received
                fleet.kill_holder()
                writer.write(PCM[PART:])
        poll(lambda: (offset, "OK") in fleet.resumed(), f"no stream was resumed at {offset}")
    assert is_whole(name, (tmp_path / "a").read_bytes())
    assert is_whole(name, writer.header + live[len(writer.header) :])
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_server_may_be_lost_at_the_first_byte(fleet: Fleet) -> None:
    file = io.BytesIO()
    with AudioWriter.open(fleet.target, config("wav"), file) as writer:
        poll(lambda: writer.bytes_received, "there is no header")
        fleet.kill_holder()
        writer.write(PCM)
    assert is_whole("wav", file.getvalue())


def test_server_may_be_lost_before_the_first_byte(fleet: Fleet) -> None:
    live = bytearray()
    with AudioWriter.open(fleet.target, RAW, live.extend) as writer:
        assert writer.started.mime_type
        fleet.kill_holder()
        writer.write(PCM)
    assert live == PCM


@pytest.mark.parametrize("sink", ["path", "live"])
def test_server_may_be_lost_between_half_close_and_the_end(fleet: Fleet, tmp_path: Path, sink: str) -> None:
    wanted = config("aac", 8000, sample_format="U8", out_rate=96_000)
    pcm, live, written = PCM, bytearray(), threading.Event()  # the server encodes it for two seconds

    def write() -> None:
        with AudioWriter.open(fleet.target, wanted, tmp_path / "a" if sink == "path" else live.extend) as writer:
            writer.write(pcm)
            assert writer.started.mime_type
            written.set()

    thread = threading.Thread(target=write)
    thread.start()
    assert written.wait(LIMIT_S)
    time.sleep(0.3)
    fleet.kill_holder()
    thread.join(LIMIT_S)
    assert not thread.is_alive()
    assert ((tmp_path / "a").read_bytes() if sink == "path" else live) == encode(wanted, pcm).file


@pytest.mark.parametrize("sink", ["path", "live"])
def test_two_servers_may_be_lost(tmp_path: Path, sink: str) -> None:
    live = bytearray()
    with Fleet(3) as fleet:
        with AudioWriter.open(fleet.target, config("mp3"), tmp_path / "a" if sink == "path" else live.extend) as writer:
            for part in (PCM[:PART], PCM[PART:150_000]):
                writer.write(part)
                writer.flush()
                fleet.kill_holder()
            writer.write(PCM[150_000:])
        poll(lambda: len(fleet.resumed()) == 1, "the stream was not resumed once")
    file = (tmp_path / "a").read_bytes() if sink == "path" else writer.header + live[len(writer.header) :]
    assert is_whole("mp3", file)


@pytest.mark.parametrize("sink", ["path", "live"])
def test_server_may_be_lost_while_it_encodes_the_stream_again(tmp_path: Path, sink: str) -> None:
    wanted, pcm, live = config("aac", effort=10), PCM * 25, bytearray()  # takes about 3 s of CPU time
    with Fleet(3) as fleet:
        with AudioWriter.open(fleet.target, wanted, tmp_path / "a" if sink == "path" else live.extend) as writer:
            writer.write(pcm)
            writer.flush()
            fleet.kill_holder()
            again = fleet.holder()
            time.sleep(0.2)
            fleet.kill_holder()
        assert writer.result.input_samples == len(pcm) // 2
        assert again.process.returncode == -signal.SIGKILL
    assert ((tmp_path / "a").read_bytes() if sink == "path" else live) == encode(wanted, pcm).file


def test_flushes_are_sent_again_and_answered_once(fleet: Fleet) -> None:
    def run(broken: bool) -> bytes:
        live = bytearray()
        with AudioWriter.open(fleet.target, config("webm"), live.extend) as writer:
            writer.write(PCM[:PART])
            first = writer.flush()
            assert first.input_samples == PART // 2
            if broken:
                fleet.kill_holder()
            writer.write(PCM[PART:150_000])
            second = writer.flush()
            assert (second.input_samples, second.offset) == (75_000, len(live))
            writer.write(PCM[150_000:])
        return bytes(live)

    whole = run(False)
    poll(lambda: sum(len(server.calls()) for server in fleet.servers) == 1, "the first stream is still live")
    assert run(True) == whole


def test_draining_server_hands_the_stream_over() -> None:
    live = bytearray()
    with Fleet(2, "--drain-timeout=0.2") as fleet:
        with AudioWriter.open(fleet.target, RAW, live.extend) as writer:
            writer.write(PCM[:PART])
            writer.flush()
            drained = fleet.holder()
            drained.signal(signal.SIGTERM)
            assert drained.wait() == 1
            writer.write(PCM[PART:])
        assert [line["reason"] for line in drained.calls()] == ["DRAIN_TIMEOUT_EXCEEDED"]
    assert live == PCM


def test_stream_goes_on_when_its_only_server_is_there_again() -> None:
    live = bytearray()
    with Fleet(1) as fleet:
        with AudioWriter.open(fleet.target, RAW, live.extend) as writer:
            writer.write(PCM[:PART])
            writer.flush()
            fleet.kill_holder()
            fleet.add(f"--port={fleet.target.rpartition(':')[2]}")
            writer.write(PCM[PART:])
        poll(lambda: fleet.resumed() == [(PART - 1, "OK")], "the stream was not resumed")
    assert live == PCM


def test_last_error_is_raised_after_resume_timeout(tmp_path: Path) -> None:
    with Fleet(1) as fleet:
        writer = AudioWriter.open(fleet.target, RAW, tmp_path / "a", resume_timeout=1)
        writer.write(PCM)
        writer.flush()
        fleet.kill_holder()
        begin = time.monotonic()
        with pytest.raises(ServiceUnavailable) as caught:
            writer.close()
        assert 0.1 < time.monotonic() - begin < 10
    assert caught.value.__notes__ == ["not resumed within resume_timeout=1 s"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options", [{"spool_bytes": len(PCM) - 1}, {"spool_bytes": 0}, {"resume_timeout": 0}], ids=lambda each: str(*each)
)
def test_stream_that_is_not_kept_is_not_resumed(fleet: Fleet, options: dict[str, Any]) -> None:
    live = bytearray()
    writer = AudioWriter.open(fleet.target, RAW, live.extend, **options)
    writer.write(PCM)
    writer.flush()
    fleet.kill_holder()
    with pytest.raises(ServiceUnavailable) as caught:
        writer.close()
    assert (caught.value.bytes_received, caught.value.input_samples) == (len(PCM), len(PCM) // 2)
    assert live == PCM
    assert bool(options.get("resume_timeout", 1)) == any(
        "spool" in note for note in getattr(caught.value, "__notes__", ())
    )


def test_disk_that_is_full_ends_the_spool_and_not_the_stream(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/does/not/exist")
    pcm, live = PCM * 30, bytearray()
    with AudioWriter.open(fleet.target, RAW, live.extend) as writer:
        writer.write(pcm)
    assert live == pcm


def test_spool_of_a_long_stream_is_a_file(fleet: Fleet) -> None:
    pcm, live = PCM * 60, bytearray()
    with AudioWriter.open(fleet.target, RAW, live.extend) as writer:
        writer.write(pcm)
        writer.flush()
        fleet.kill_holder()
        writer.write(PCM)
    assert live == pcm + PCM


def test_error_of_the_sink_is_raised_while_the_stream_is_resumed(fleet: Fleet) -> None:
    killed = threading.Event()

    def sink(data: bytes) -> None:
        if killed.is_set():
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"), AudioWriter.open(fleet.target, RAW, sink) as writer:
        writer.write(PCM[:PART])
        writer.flush()
        killed.set()
        fleet.kill_holder()
        writer.write(PCM[PART:])


def test_another_version_is_refused_by_name_for_a_listener_but_not_for_a_file(tmp_path: Path) -> None:
    def broken(sink: Any) -> AudioWriter:
        with Fleet(1) as fleet:
            writer = AudioWriter.open(fleet.target, config("opus"), sink)
            writer.write(PCM[:PART])
            writer.flush()
            fleet.kill_holder()
            fleet.add(f"--port={fleet.target.rpartition(':')[2]}", program=("-c", OTHER_VERSION))
            writer.write(PCM[PART:])
            writer.close()
        return writer

    live = bytearray()
    with pytest.raises(CallFailed) as caught:
        broken(live.extend)
    assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.ABORTED, "RESUME_MISMATCH")
    assert caught.value.bytes_received == len(live) > 0
    assert 0 < caught.value.input_samples <= PART // 2
    result = broken(tmp_path / "a").result
    assert (result.input_samples, result.file_bytes) == (len(PCM) // 2, (tmp_path / "a").stat().st_size)


def test_refused_pcm_is_raised_at_once(fleet: Fleet) -> None:
    writer = AudioWriter.open(fleet.target, RAW, bytearray().extend)
    writer.write(PCM[:PART])
    fleet.kill_holder()
    with pytest.raises(InvalidArgument):  # the new server refuses the incomplete sample at the end
        writer.close()


@pytest.mark.parametrize("how", ["cancel", "timeout"])
def test_caller_can_end_a_stream_that_has_no_server(how: str) -> None:
    with Fleet(1) as fleet:
        writer = AudioWriter.open(fleet.target, RAW, bytearray().extend, timeout=3 if how == "timeout" else None)
        writer.write(PCM)
        writer.flush()
        fleet.kill_holder()
        begin = time.monotonic()
        if how == "cancel":
            threading.Timer(0.3, writer.cancel_soon).start()
        with pytest.raises(StreamCancelled if how == "cancel" else (DeadlineExceeded, ServiceUnavailable)):
            while True:
                writer.write(PCM)
        assert time.monotonic() - begin < LIMIT_S / 2


def test_iterator_goes_on_with_the_next_byte(fleet: Fleet) -> None:
    killed = threading.Event()

    def blocks() -> Iterator[bytes]:
        yield PCM[:PART]
        assert killed.wait(LIMIT_S)
        yield PCM[PART:]

    data = bytearray()
    iterator = encode_iter(fleet.target, RAW, blocks())
    for piece in iterator:
        data += piece
        if len(data) == PART - 1 and not killed.is_set():
            fleet.kill_holder()
            killed.set()
    assert data == PCM


OPEN: list[Callable[..., Any]] = [
    AudioWriter.open,
    lambda target, config, _, **more: encode_iter(target, config, [], **more),
]


@pytest.mark.parametrize("start", OPEN, ids=["writer", "iterator"])
@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"resume_timeout": -1}, ValueError),
        ({"resume_timeout": float("nan")}, ValueError),
        ({"resume_timeout": None}, TypeError),
        ({"spool_bytes": -1}, ValueError),
        ({"spool_bytes": 1e6}, TypeError),
    ],
)
def test_bad_option_is_refused(start: Callable[..., Any], options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=f"{next(iter(options))}.*expected"):
        start("localhost:1", stream_config(format="pcm", sample_rate_hz=8000), bytearray().extend, **options)
