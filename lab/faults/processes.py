"""Killed processes, and a server that receives SIGTERM."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from io import BytesIO
from itertools import cycle
from pathlib import Path

import grpc
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_client import AudioWriter
from support.ogg import without_serials
from support.server import FRAME, Stream, channel_to, poll
from support.streams import config, encode

from lab.faults.beside import Beside, speech
from lab.faults.callers import Caller
from lab.faults.watch import Watched

_FORMATS = ("wav", "vorbis", "opus", "flac", "mp3", "aac", "m4a")
_EXTENSIONS = (".wav", ".ogg", ".opus", ".flac", ".mp3", ".aac", ".m4a")


def killed_client(server: Watched, tries: int) -> Counter[str]:
    """kill -9 of clients in the middle of their streams."""
    with Beside(server.target), ExitStack() as stack:
        callers = [stack.enter_context(Caller(server.target, path)) for path in _paths(server.folder, tries)]
        poll(lambda: server.live() == tries + 1, "not all streams are live")
        # A call counts as live before its first message, and a stream that ends before that has another status.
        poll(lambda: not server.metrics.value("audiowriter_live_streams", "none"), "not all streams have a config")
        for caller in callers:
            caller.process.kill()
        poll(lambda: server.live() == 1, "streams of killed clients are still live")
        # The log line of a call follows its metric.
        poll(lambda: len(server.calls()) == tries, f"{len(server.calls())} of {tries} calls are in the log")
        codes = Counter(line["code"] for line in server.calls())
        assert codes == {"CANCELLED": tries}, codes
        assert {path.suffix for path in server.folder.iterdir()} <= {".part"}, "an incomplete file has its final name"
    return Counter({"killed; no file with its final name": tries})


def _paths(folder: Path, count: int) -> Iterator[Path]:
    """Yield paths of files, with the extensions of these formats in turn."""
    return (folder / f"{number}{extension}" for number, extension in zip(range(count), cycle(_EXTENSIONS)))


def killed_worker(server: Watched, tries: int) -> Counter[str]:
    """kill -9 of one of two workers, several times: the streams of the other one continue, and it is restarted."""
    seen: Counter[str] = Counter()
    target, pid = server.targets[0], server.pids()[0]
    with Beside(server.targets[1]):
        for _ in range(tries):
            with channel_to(target) as channel:
                lost = [Stream(channel).start() for _ in range(10)]
                os.kill(pid, signal.SIGKILL)
                seen.update(stream.error().code.name for stream in lost)
            line = server.wait_for_line("listening on ")
            pid, target = line["pid"], str(line["message"]).rpartition(" ")[2]
            with channel_to(target) as channel:
                seen[f"on the new worker: {_code(channel)}"] += 1
        poll(lambda: server.live() == 1, "streams of killed workers are counted as live")
    assert seen == {"UNAVAILABLE": 10 * tries, "on the new worker: OK": tries}
    return seen


def killed_server(server: Watched, tries: int) -> Counter[str]:
    """kill -9 of the whole server: every client reports in one line that its file is incomplete, and leaves no file."""
    seen: Counter[str] = Counter()
    with ExitStack() as stack:
        callers = [stack.enter_context(Caller(server.target, path)) for path in _paths(server.folder, tries)]
        poll(lambda: server.live() == tries, "not all streams are live")
        poll(lambda: len(list(server.folder.iterdir())) == tries, "not all clients have started to write")
        server.signal(signal.SIGKILL)
        for caller in callers:
            code, output = caller.ended()
            assert code == 1, (code, output)
            assert output.count("\n") == 0, output
            seen[output.removeprefix("audiowriter: ").partition(":")[0]] += 1
        assert not list(server.folder.iterdir()), "a file was left"
    assert seen == {"UNAVAILABLE": tries}
    return Counter({"exit 1, UNAVAILABLE, no file": tries})


def drain(server: Watched, tries: int) -> Counter[str]:
    """SIGTERM under live streams: no stream is lost, and log and metrics match the clients' own counts.

    The metrics end with the server, so they are read while one stream is still open.
    """
    seen: Counter[str] = Counter()
    with channel_to(server) as channel:
        for _ in range(10):
            seen[_code(channel)] += 1
            seen[Stream(channel, pb.EncodeStreamRequest(pcm=FRAME)).error().code.name] += 1
            (cancelled := Stream(channel).start()).call.cancel()
            seen[cancelled.error().code.name] += 1
    length = 96_000
    with channel_to(server) as channel:
        files = [BytesIO() for _ in range(tries)]
        configs = [config(_FORMATS[number % len(_FORMATS)]) for number in range(tries)]
        writers = [AudioWriter.open(channel, *each) for each in zip(configs, files, strict=True)]
        for writer in writers:
            writer.write(speech(length // 2))
            assert writer.started.mime_type
        server.signal()
        server.wait_for_line(f"draining {tries} live streams")
        for _ in range(10):
            late = Stream(channel).error()
            assert late.info.reason == "DRAINING"
            seen[late.code.name] += 1
        for number, writer in enumerate(writers, 1):
            if number == tries:
                _agrees(server, seen)
            writer.write(speech(length // 2, length // 2))
            writer.close()
            seen["OK"] += 1
        results = [writer.result for writer in writers]
        assert server.wait() == 0, "the drain failed"
    for result, file, stream_config in zip(results, files, configs, strict=True):
        assert (result.input_samples, result.file_bytes) == (length // 2, len(file.getvalue()))
        whole = encode(stream_config, speech(length)).file
        assert without_serials(file.getvalue()) == without_serials(whole), "a drained stream is damaged"
    lines = server.calls()
    assert Counter(line["code"] for line in lines) == seen, "the log does not match"
    assert sum(line["bytes"] for line in lines) == sum(result.file_bytes for result in results)
    return seen


def _agrees(server: Watched, seen: Counter[str]) -> None:
    def handled() -> dict[str, int]:
        read = server.metrics.read()
        return {key[1]: int(value) for key, value in read.items() if key[0] == "grpc_server_handled_total"}

    poll(lambda: handled() == seen, f"the metrics do not match: {handled()}, {seen}")
    assert server.live() == 1


def _code(channel: grpc.Channel) -> str:
    assert Stream(channel).start().finish().file_bytes == 0
    return "OK"
