"""Streams that are not resumed after the loss of their server, and the errors that say why."""

import threading
import time
from collections.abc import Callable
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
from support.fleet import PART, PCM, RAW, Fleet
from support.server import LIMIT_S
from support.streams import config

OTHER_VERSION = """
import sys, audiowriter_core.muxers.ogg_opus as muxer
from audiowriter_server.__main__ import main
comments = muxer.comments
muxer.comments = lambda vendor, tags: comments("another version", tags)
sys.exit(main())
"""


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
