"""Start, drain, stop, and the workers of a supervisor."""

import asyncio
import gc
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_server.rpc.stream_call import _write_first
from audiowriter_server.runtime.server import LIVENESS
from audiowriter_server.telemetry.call_record import SERVICE_NAME
from grpc_health.v1 import health_pb2, health_pb2_grpc
from support.server import FRAME, LIMIT_S, ServerProcess, Stream, channel_to, free_ports, poll

Health = health_pb2.HealthCheckResponse

PATIENT = "--drain-timeout=30"


def health(channel: grpc.Channel, name: str = "") -> int:
    request = health_pb2.HealthCheckRequest(service=name)
    return int(health_pb2_grpc.HealthStub(channel).Check(request, timeout=LIMIT_S).status)


def test_drain_completes_fifty_streams() -> None:
    with ServerProcess(PATIENT) as server, channel_to(server) as channel:
        watched: list[int] = []
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        watcher = threading.Thread(target=lambda: watched.extend(answer.status for answer in _until_end(watch)))
        watcher.start()
        streams = [Stream(channel).start() for _ in range(50)]
        server.signal()
        server.wait_for_line("draining 50 live streams")
        assert [health(channel, name) for name in ("", SERVICE_NAME)] == [Health.NOT_SERVING] * 2
        assert health(channel, LIVENESS) == Health.SERVING
        late = Stream(channel).error()
        assert late.named[:2] == ("UNAVAILABLE", "DRAINING")
        assert late.retry.retry_delay.ToMilliseconds() == 1000
        for stream in streams:
            for _ in range(10):
                stream.send(pb.EncodeStreamRequest(pcm=FRAME))
        assert [stream.finish().file_bytes for stream in streams] == [10 * len(FRAME)] * 50
        begin = time.monotonic()
        assert server.wait() == 0
        assert time.monotonic() - begin < 5  # an open Watch does not delay the drain
        watcher.join(LIMIT_S)
        assert watched == [Health.SERVING, Health.NOT_SERVING]
    codes = [line["code"] for line in server.calls()]
    assert sorted(codes) == ["OK"] * 50 + ["UNAVAILABLE"]


def _until_end(call: Iterator[Any]) -> Iterator[Any]:
    try:
        yield from call
    except grpc.RpcError:
        return


def test_streams_that_exceed_the_drain_timeout_end_with_a_named_error() -> None:
    with ServerProcess("--drain-timeout=0.5") as server, channel_to(server) as channel:
        stream = Stream(channel).start()
        server.signal()
        assert stream.error().named == ("UNAVAILABLE", "DRAIN_TIMEOUT_EXCEEDED", "drain_timeout", "0.5")
        assert server.wait() == 1
    assert [line["reason"] for line in server.calls()] == ["DRAIN_TIMEOUT_EXCEEDED"]


def test_second_signal_stops_the_server_immediately() -> None:
    with ServerProcess(PATIENT) as server, channel_to(server) as channel:
        stream = Stream(channel).start()
        server.signal(signal.SIGINT)
        server.wait_for_line("draining")
        server.signal(signal.SIGINT)
        error = stream.error()
        assert error.named[:2] == ("UNAVAILABLE", "STOPPED"), error.text
        assert server.wait() == 1


async def test_failed_first_write_after_a_cancellation_is_not_logged() -> None:
    lost: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: lost.append(context))
    may_end = asyncio.Event()

    async def first_write() -> None:
        await may_end.wait()
        raise RuntimeError("the client has gone")

    writer = asyncio.ensure_future(_write_first(first_write()))
    await asyncio.sleep(0)
    writer.cancel()
    await asyncio.sleep(0)
    may_end.set()
    await asyncio.wait([writer])
    assert writer.cancelled()
    del writer
    gc.collect()
    assert lost == []


async def test_first_write_ends_before_the_status_even_if_cancelled_repeatedly() -> None:
    may_end, ended = asyncio.Event(), asyncio.Event()

    async def first_write() -> None:
        await may_end.wait()
        ended.set()

    writer = asyncio.ensure_future(_write_first(first_write()))
    for _ in range(3):
        await asyncio.sleep(0)
        writer.cancel()
    await asyncio.sleep(0)
    assert not writer.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await writer
    assert ended.is_set()


def test_old_connection_accepts_no_new_calls_and_loses_none() -> None:
    with ServerProcess("--max-connection-age=1") as server, channel_to(server) as channel:
        streams = []
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:  # over at least one change of connection
            streams.append(Stream(channel).start())
            time.sleep(0.05)
        for stream in streams:
            stream.finish()
    assert len({line["peer"] for line in server.calls()}) > 1


def test_error_of_a_port_in_use_is_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(AssertionError, match=f"cannot listen on 127.0.0.1:{port}"):
            ServerProcess(f"--port={port}")


def test_killed_worker_is_restarted_without_effect_on_the_others() -> None:
    with ServerProcess(PATIENT, workers=2) as server:
        with channel_to(server.targets[0]) as one, channel_to(server.targets[1]) as other:
            lost, kept = Stream(one).start(), Stream(other).start()
            listening = [line for line in server.log if str(line["message"]).startswith("listening on ")]
            os.kill(listening[0]["pid"], signal.SIGKILL)
            assert lost.error().code is grpc.StatusCode.UNAVAILABLE
            server.wait_for_line("worker ")
            with channel_to(server.wait_until_listening()) as new:
                assert Stream(new).start().finish().file_bytes == 0
            server.signal()
            for _ in range(2):
                server.wait_for_line("draining ")
            kept.send(pb.EncodeStreamRequest(pcm=FRAME))
            assert kept.finish().file_bytes == len(FRAME)
        assert server.wait() == 0


def test_workers_drain_when_their_supervisor_is_killed() -> None:
    with ServerProcess(PATIENT, workers=2) as server:
        with channel_to(server) as channel:
            stream = Stream(channel).start()
            server.signal(signal.SIGKILL)
            server.process.wait(LIMIT_S)
            server.wait_for_line("draining 1")
            assert stream.finish().file_bytes == 0
        # The worker without a stream may have stopped before the other one reported that it drains.
        poll(lambda: [line["message"] for line in server.log].count("stopped") == 2, "a worker is still running")


def test_workers_share_a_port_if_configured() -> None:
    port = free_ports(1)
    with ServerProcess(f"--port={port}", "--shared-port", workers=2) as server:
        assert server.targets == [f"127.0.0.1:{port}"] * 2
        pids: set[int] = set()

        def both_were_met() -> bool:
            with channel_to(server) as channel:
                Stream(channel).start().finish()
            pids.update(line["pid"] for line in server.calls())
            return len(pids) == 2

        poll(both_were_met, "one worker received all connections")


def test_worker_that_cannot_start_stops_all() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(AssertionError, match="cannot listen on"):
            ServerProcess(f"--port={port - 1}", workers=2)
