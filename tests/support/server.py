"""Starts a real server in a separate process, and calls it."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from json import loads
from pathlib import Path
from queue import Empty, Queue
from random import SystemRandom
from typing import Any, Self

import grpc
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter.v1.audio_writer_pb2_grpc import AudioWriterServiceStub
from google.rpc import error_details_pb2
from grpc_status import rpc_status

LIMIT_S = 20.0
"""Timeout for events that must happen: long, because the machine may be busy."""

START_S = 60.0
"""A server takes a second of CPU time to start. On a machine with ten busy processes it has needed more than 20 s."""

CONFIG = pb.EncodeStreamRequest(
    config=pb.StreamConfig(input=pb.PcmInput(sample_rate_hz=24000), output=pb.AudioOutput(format=pb.AUDIO_FORMAT_PCM))
)
FRAME = bytes(960)
"""20 ms."""


class ServerProcess:
    """`targets`: the addresses of its workers, in the order in which they started."""

    def __init__(
        self,
        *flags: str,
        workers: int = 1,
        variables: Mapping[str, str] | None = None,
        program: Sequence[str] = ("-m", "audiowriter_server"),
    ) -> None:
        command = [sys.executable, *program, "--port=0", "--log-format=json", *flags]
        if workers > 1:
            command.append(f"--workers={workers}")
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env={**os.environ, **(variables or {})}
        )
        self.log: list[dict[str, Any]] = []
        self._lines: Queue[dict[str, Any] | None] = Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        try:
            self.targets = [self.wait_until_listening() for _ in range(workers)]
        except AssertionError:
            self.__exit__()
            raise
        self.target = self.targets[0]

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            try:
                entry = loads(line)
            except ValueError:
                entry = {"message": line}
            self.log.append(entry)
            self._lines.put(entry)
        self._lines.put(None)

    def wait_until_listening(self) -> str:
        """Return the address of the next worker that starts."""
        return str(self.wait_for_line("listening on ", START_S)["message"]).rpartition(" ")[2]

    def wait_for_line(self, beginning: str, limit_s: float = LIMIT_S) -> dict[str, Any]:
        """Return the next line of the log whose message has this beginning; each line is examined once."""
        deadline = time.monotonic() + limit_s
        while True:
            try:
                line = self._lines.get(timeout=max(0, deadline - time.monotonic()))
            except Empty:
                line = None
            code = self.process.poll()
            assert line is not None, f"no line {beginning!r} in {self.log}, the server's exit code is {code}"
            if str(line["message"]).startswith(beginning):
                return line

    def calls(self) -> list[dict[str, Any]]:
        """Return the log lines of the calls that have ended so far."""
        return [line for line in self.log if line["message"] == "call"]

    def ended(self, reason: str) -> int:
        """Return how many calls have ended for this reason so far."""
        return sum(line.get("reason") == reason for line in self.calls())

    def signal(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        """Return the exit code."""
        code = self.process.wait(LIMIT_S)
        self._reader.join(LIMIT_S)
        return code

    def resident_bytes(self) -> int:
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def thread_count(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    def descriptor_count(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.terminate()
        self.wait()
        assert self.process.stderr is not None
        self.process.stderr.close()


class Stream:
    """One EncodeStream call that sends and receives one message at a time."""

    def __init__(self, channel: grpc.Channel, first: pb.EncodeStreamRequest | None = CONFIG, **options: Any) -> None:
        self._requests: Queue[pb.EncodeStreamRequest | None] = Queue()
        if first is not None:
            self.send(first)
        self.call = AudioWriterServiceStub(channel).EncodeStream(iter(self._requests.get, None), **options)

    def send(self, request: pb.EncodeStreamRequest) -> None:
        self._requests.put(request)

    def start(self) -> Self:
        """Wait for `started`: from then on the server has accepted the stream."""
        assert next(self.call).WhichOneof("event") == "started"
        return self

    def half_close(self) -> None:
        self._requests.put(None)

    def finish(self) -> pb.Totals:
        """Half-close; read to the end."""
        self.half_close()
        last: pb.EncodeStreamResponse = list(self.call)[-1]
        return last.finished.totals

    def error(self) -> "Error":
        """Read until the call fails."""
        try:
            for _ in self.call:
                pass
        except grpc.RpcError as error:
            self.half_close()
            return Error(error)
        raise AssertionError("the call ended with OK")


class Error:
    """The status of a failed call."""

    def __init__(self, error: grpc.RpcError) -> None:
        self.code: grpc.StatusCode = error.code()
        self.text = error.details() or ""
        self.trailing: dict[str, Any] = dict(error.trailing_metadata() or ())  # type: ignore[arg-type]
        self.info = error_details_pb2.ErrorInfo()
        self.retry = error_details_pb2.RetryInfo()
        bad_request = error_details_pb2.BadRequest()
        status = rpc_status.from_call(error)
        for detail in status.details if status is not None else ():
            detail.Unpack(self.info)
            detail.Unpack(self.retry)
            detail.Unpack(bad_request)
        self.fields = [violation.field for violation in bad_request.field_violations]

    @property
    def named(self) -> tuple[str, str, str, str]:
        """Return status, reason, and the limit with its value."""
        metadata = self.info.metadata
        return self.code.name, self.info.reason, metadata["limit"], metadata["value"]


@contextmanager
def channel_to(server: ServerProcess | str, **options: Any) -> Iterator[grpc.Channel]:
    target = server if isinstance(server, str) else server.target
    # A separate connection: grpc shares one between channels with the same target and options.
    own = [("grpc.use_local_subchannel_pool", 1), *options.pop("options", ())]
    with grpc.insecure_channel(target, options=own, **options) as channel:
        yield channel


def poll(condition: Any, what: str) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def free_ports(count: int) -> int:
    """Return the first of `count` free ports in a row.

    They are below the ports that the system gives to others, of which one could be taken before the test uses it.
    """
    while True:
        first = SystemRandom().randrange(20_000, 32_000)
        with ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
