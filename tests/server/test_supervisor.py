"""A supervisor and its workers, when one of them fails."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_server.runtime.settings import Settings
from support.server import FRAME, LIMIT_S, ServerProcess, Stream, channel_to, free_ports

BUSY = [sys.executable, "-c", "while True: pass"]
CAN_STARVE = hasattr(os, "geteuid") and os.geteuid() == 0 and Path("/proc/self/autogroup").exists()


def pids(server: ServerProcess) -> list[int]:
    """Of the workers, in the order of `targets`."""
    return [line["pid"] for line in server.log if str(line["message"]).startswith("listening on ")]


def finish(stream: Stream) -> None:
    stream.send(pb.EncodeStreamRequest(pcm=FRAME))
    assert stream.finish().file_bytes == len(FRAME)


def test_settings_survive_the_environment() -> None:
    settings = Settings(host="::1", insecure=True, reflection=False, idle_timeout=1.5, tls_cert="a=b", tls_key=" ")
    assert Settings.from_variables(settings.as_variables()) == settings


def test_hung_worker_is_replaced_and_the_others_go_on() -> None:
    with ServerProcess(workers=2) as server, channel_to(server.targets[1]) as other:
        kept = Stream(other).start()
        os.kill(pids(server)[0], signal.SIGSTOP)
        server.wait_for_line("worker ")
        with channel_to(server.wait_until_listening()) as channel:
            finish(Stream(channel).start())
        finish(kept)
        server.signal()
        assert server.wait() == 0
    hung = [str(line["message"]) for line in server.log if "no heartbeat for" in str(line["message"])]
    assert len(hung) == 1


def autogroup(pid: int, nice: int) -> None:
    """Set the weight of a session against all others: 15 for 19, 88761 for -20. sched(7)."""
    Path(f"/proc/{pid}/autogroup").write_text(str(nice))


@pytest.mark.skipif(not CAN_STARVE, reason="needs root, and sessions that the kernel schedules as groups")
def test_worker_that_waits_for_a_cpu_is_not_killed() -> None:
    core = min(os.sched_getaffinity(0))
    with ServerProcess(workers=2) as server, channel_to(server.targets[0]) as channel, ExitStack() as stack:
        stream = Stream(channel).start()
        waiting = pids(server)[0]
        for task in Path(f"/proc/{waiting}/task").iterdir():
            os.sched_setaffinity(int(task.name), [core])
        autogroup(waiting, 19)
        for _ in range(3):
            process = stack.enter_context(subprocess.Popen(BUSY, start_new_session=True))
            stack.callback(process.kill)
            os.sched_setaffinity(process.pid, [core])
            autogroup(process.pid, -20)
        time.sleep(8)
        stack.close()
        finish(stream)
        server.signal()
        assert server.wait() == 0
    assert not [line for line in server.log if "no heartbeat for" in str(line["message"])]


def test_stopped_supervisor_does_not_take_its_workers_for_hung() -> None:
    with ServerProcess(workers=2) as server, channel_to(server) as channel:
        stream = Stream(channel).start()
        server.signal(signal.SIGSTOP)
        time.sleep(5)
        server.signal(signal.SIGCONT)
        time.sleep(1)
        finish(stream)
        server.signal()
        assert server.wait() == 0
    assert not [line for line in server.log if line.get("level") == "ERROR"]


@contextmanager
def no_descriptors(pid: int) -> Iterator[None]:
    """The process can open nothing more, as if all its descriptors were taken."""
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)


def test_worker_that_cannot_be_started_is_tried_again_and_the_others_go_on() -> None:
    with ServerProcess(workers=2) as server, channel_to(server.targets[1]) as other:
        kept = Stream(other).start()
        with no_descriptors(server.process.pid):
            os.kill(pids(server)[0], signal.SIGKILL)
            assert " exited with code -9: " in server.wait_for_line("worker ")["message"]
            assert " could not be started: " in server.wait_for_line("worker ")["message"]
        with channel_to(server.wait_until_listening()) as channel:
            finish(Stream(channel).start())
        finish(kept)
        server.signal()
        assert server.wait() == 0


def test_new_supervisor_starts_at_once_where_another_was_killed() -> None:
    port = free_ports(2)
    # The stream must outlast the start of the next server, which may take long on a busy machine.
    with ServerProcess(f"--port={port}", "--drain-timeout=60", workers=2) as server, channel_to(server) as channel:
        stream = Stream(channel).start()
        server.signal(signal.SIGKILL)
        server.process.wait(LIMIT_S)
        with ServerProcess(f"--port={port}", workers=2) as next_server:
            with channel_to(next_server) as new:
                finish(Stream(new).start())
            finish(stream)
            next_server.signal()
            assert next_server.wait() == 0
