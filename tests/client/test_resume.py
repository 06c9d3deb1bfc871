"""A stream survives the loss of its server: servers are ended with SIGKILL while they encode."""

import io
import signal
import threading
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import google_crc32c
import pytest
from audiowriter_client import (
    AudioWriter,
    encode_iter,
)
from support import other_cpu
from support.decode import JUDGES
from support.encode import real_speech
from support.fleet import PART, PCM, RAW, Fleet
from support.ogg import without_serials
from support.server import LIMIT_S, poll
from support.streams import NAMES, config, encode


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
                offset = writer.bytes_received  # more may arrive before the server is ended
                fleet.kill_holder()
                writer.write(PCM[PART:])
        poll(lambda: (offset, "OK") <= max(fleet.resumed(), default=(-1, "")), f"no stream was resumed at {offset}")
    assert is_whole(name, (tmp_path / "a").read_bytes())
    assert is_whole(name, writer.header + live[len(writer.header) :])
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("name", ["opus", "webm", "aac", "fmp4"])
def test_listener_goes_on_with_the_packets_of_another_cpu(name: str) -> None:
    pcm, live = real_speech().tobytes(), bytearray()
    with Fleet(1) as fleet:
        other = fleet.add(program=other_cpu.PROGRAM)
        with AudioWriter.open(f"{fleet.target},{other.target}", config(name), live.extend) as writer:
            writer.write(pcm[:PART])
            writer.flush()
            fleet.kill_holder()
            offset = len(live)
            writer.write(pcm[PART:])
        poll(lambda: fleet.resumed() == [(offset, "OK")], "the stream was not resumed")
        assert [line for server in fleet.servers for line in server.calls() if line.get("resume_joined")]
    file = writer.header + live[len(writer.header) :]
    assert without_serials(file) != without_serials(encode(config(name), pcm).file)
    assert writer.result.file_bytes == len(file)
    assert writer.result.sent_sha256 == sha256(live).digest()
    assert writer.result.file_crc32c == google_crc32c.value(bytes(file))
    over = 0 if name in ("opus", "webm", "fmp4") else writer.result.delay_samples + writer.result.padding_samples
    assert len(JUDGES[name](bytes(file))) == len(pcm) // 2 + over


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
