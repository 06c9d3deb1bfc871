"""Faults of processes: each has servers of its own, or a client to kill."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import trustme
from audiowriter.v1 import audio_writer_pb2 as pb
from support.server import FRAME, LIMIT_S, ServerProcess, Stream, channel_to, poll

_CLIENT = """
import sys, time
from audiowriter.v1 import audio_writer_pb2 as pb
from support.server import FRAME, Stream, channel_to
with channel_to(sys.argv[1]) as channel:
    stream = Stream(channel).start()
    print("started", flush=True)
    while True:
        stream.send(pb.EncodeStreamRequest(pcm=FRAME))
        time.sleep(0.02)
"""


def killed_client(server: ServerProcess, tries: int) -> Counter[str]:
    """kill -9 in the middle of a stream."""

    def cancelled() -> int:
        return sum(line["code"] == "CANCELLED" for line in server.calls())

    before = cancelled()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for _ in range(tries):
        command = [sys.executable, "-c", _CLIENT, server.target]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as client:
            assert client.stdout is not None
            assert client.stdout.readline() == "started\n"
            client.kill()
    poll(lambda: cancelled() == before + tries, "streams of dead clients live on")
    return Counter({"nothing: it is dead": tries})


def killed_worker(shared: ServerProcess, tries: int) -> Counter[str]:
    """kill -9 of one of two workers; the streams of the other go on, and it comes back."""
    seen: Counter[str] = Counter()
    with ServerProcess(workers=2) as server, channel_to(server.targets[1]) as other:
        kept = Stream(other).start()
        target = server.targets[0]
        pid = next(line["pid"] for line in server.log if str(line["message"]).endswith(target))
        for _ in range(tries):
            with channel_to(target) as channel:
                lost = Stream(channel).start()
                os.kill(pid, signal.SIGKILL)
                seen[lost.error().code.name] += 1
            line = server.wait_for_line("listening on ")
            pid, target = line["pid"], str(line["message"]).rpartition(" ")[2]
        kept.send(pb.EncodeStreamRequest(pcm=FRAME))
        assert kept.finish().total_bytes == len(FRAME)
    assert seen == {"UNAVAILABLE": tries}
    return seen


def killed_server(shared: ServerProcess, tries: int) -> Counter[str]:
    """kill -9 of the whole server."""
    seen: Counter[str] = Counter()
    for _ in range(tries):
        with ServerProcess() as server, channel_to(server) as channel:
            stream = Stream(channel).start()
            server.signal(signal.SIGKILL)
            seen[stream.error().code.name] += 1
    assert seen == {"UNAVAILABLE": tries}
    return seen


def jumping_clock(shared: ServerProcess, tries: int) -> Counter[str]:
    """The wall clock leaps a day to and fro; no time limit may notice. Needs libfaketime."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if library is None:
        return Counter({"left out: no libfaketime": 1})
    with tempfile.TemporaryDirectory() as folder:
        clock = Path(folder) / "clock"
        clock.write_text("+0")
        variables = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        with ServerProcess("--idle-timeout=5", variables=variables) as server, channel_to(server) as channel:
            stream = Stream(channel).start()
            for number in range(tries):
                clock.write_text(("+0", "+1d", "+0", "-1d")[number % 4])
                time.sleep(0.1)
                stream.send(pb.EncodeStreamRequest(pcm=FRAME))
                next(stream.call)
            assert stream.finish().total_bytes == tries * len(FRAME)
            server.signal()
            server.wait_for_line("stopped")
            assert len({str(line["time"])[:10] for line in server.log if "time" in line}) > 1, "the clock did not jump"
    return Counter({"OK": 1})


def expired_certificate(shared: ServerProcess, tries: int) -> Counter[str]:
    """A certificate runs out and is renewed, time and again; a live stream does not notice."""
    authority = trustme.CA()
    credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    seen: Counter[str] = Counter()

    def renew(days: int) -> None:
        certificate = authority.issue_cert("127.0.0.1", not_after=datetime.now(UTC) + timedelta(days=days))
        for path, blob in ((key, certificate.private_key_pem), (cert, certificate.cert_chain_pems[0])):
            new = path.with_suffix(".new")
            new.write_bytes(blob.bytes())
            new.replace(path)

    def one_stream() -> str:
        options = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.secure_channel(server.target, credentials, options) as channel:
            stream = Stream(channel, timeout=LIMIT_S)
            try:
                stream.start().finish()
            except grpc.RpcError as error:
                return str(error.code().name)
            return "OK"

    with tempfile.TemporaryDirectory() as folder:
        cert, key = Path(folder) / "cert.pem", Path(folder) / "key.pem"
        renew(1)
        with (
            ServerProcess(f"--tls-cert={cert}", f"--tls-key={key}") as server,
            grpc.secure_channel(server.target, credentials) as channel,
        ):
            live = Stream(channel).start()
            for _ in range(tries):
                renew(-1)
                seen[f"expired: {one_stream()}"] += 1
                renew(1)
                seen[f"renewed: {one_stream()}"] += 1
            live.send(pb.EncodeStreamRequest(pcm=FRAME))
            assert live.finish().total_bytes == len(FRAME)
    assert set(seen) == {"expired: UNAVAILABLE", "renewed: OK"}
    return seen
