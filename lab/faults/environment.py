"""Faults of the environment: full disks, clock changes and expired certificates."""

import os
import resource
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import trustme
from audiowriter.v1 import audio_writer_pb2 as pb
from support.server import FRAME, LIMIT_S, Stream, channel_to

from lab.faults.beside import Beside
from lab.faults.callers import Caller
from lab.faults.watch import Setting, Watched

_DISK_BYTES = 512 * 1024
_CERT, _KEY = "cert.pem", "key.pem"
_AUTHORITY = trustme.CA()
_LIBFAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


def full_disk(server: Watched, tries: int) -> Counter[str]:
    """The client's disk is full in the middle of the file."""
    seen: Counter[str] = Counter()
    with Beside(server.target):
        for _ in range(tries):
            folder = server.folder
            with _small_disk(folder), Caller(server.target, folder / "out.wav", pace=50) as caller:
                if os.geteuid():
                    limit = (_DISK_BYTES, _DISK_BYTES)
                    resource.prlimit(caller.process.pid, resource.RLIMIT_FSIZE, limit)
                code, messages = caller.ended()
                assert (code, messages.count("\n")) == (1, 0), (code, messages)
                assert not list(folder.iterdir()), "a file was left"
                seen[f"exit 1, {messages.rpartition(': ')[2]}, no file"] += 1
        assert [line["code"] for line in server.calls()] == ["CANCELLED"] * tries
    return seen


@contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    """Mount a small disk. Only root may do this; for other users a process limit on file sizes is used."""
    if os.geteuid():
        yield
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def with_clock(folder: Path) -> Setting:
    """Return the setting of a server whose wall clock is set by a file. Its monotonic clock is unchanged."""
    assert _LIBFAKETIME is not None, "libfaketime is missing: apt-get install faketime"
    (folder / "clock").write_text("+0")
    variables = {
        "LD_PRELOAD": str(_LIBFAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(folder / "clock"),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        # Otherwise waits for a lock return at once, and the server spins at a whole core.
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",
    }
    return Setting(("--idle-timeout=3",), variables)


def jumping_clock(server: Watched, tries: int) -> Counter[str]:
    """Set the wall clock a day forward and back under live streams: no time limit may react."""
    clock = server.folder / "clock"
    with channel_to(server) as channel:
        with Beside(server.target):
            for number in range(tries):
                clock.write_text(("+1d", "-1d", "+0")[number % 3])
                time.sleep(0.2)
                assert Stream(channel).start().finish().file_bytes == 0
        silent, begin = Stream(channel).start(), time.monotonic()
        clock.write_text("-1d")
        error = silent.error()
        lived = time.monotonic() - begin
    days = {str(line["time"])[:10] for line in server.calls()}
    assert len(days) == 3, f"the clock did not jump: {days}"
    assert error.info.reason == "IDLE_TIMEOUT_EXCEEDED"
    assert 2 < lived < 6, f"the limit of 3 s took {lived:.1f} s"
    return Counter({"OK": tries, f"idle limit of 3 s after {lived:.1f} s": 1})


def with_certificate(folder: Path) -> Setting:
    """Return the setting of a server with TLS."""
    _issue(_AUTHORITY, timedelta(days=1), folder)
    return Setting((f"--tls-cert={folder / _CERT}", f"--tls-key={folder / _KEY}"))


def expired_certificate(server: Watched, tries: int) -> Counter[str]:
    """Let a certificate expire under a live stream and replace it, several times."""
    seen: Counter[str] = Counter()
    other = trustme.CA()
    with _secure_channel(server) as channel, Beside(channel):
        for _ in range(tries):
            _issue(_AUTHORITY, timedelta(seconds=3), server.folder)
            seen[f"short-lived: {_try(server)}"] += 1
            time.sleep(3)
            seen[f"expired: {_try(server)}"] += 1
            _issue(_AUTHORITY, timedelta(days=1), server.folder)
            seen[f"replaced: {_try(server)}"] += 1
            (server.folder / _KEY).write_bytes(other.issue_cert("127.0.0.1").private_key_pem.bytes())
            seen[f"key that does not match: {_try(server)}"] += 1
            _issue(other, timedelta(days=1), server.folder)
            seen[f"of another authority: {_try(server)}"] += 1
    messages = [str(line["message"]) for line in server.log if line["level"] == "error"]
    assert len(messages) == tries, messages
    assert all(line.startswith("certificates not reloaded") for line in messages), messages
    assert set(seen) == {
        "short-lived: OK",
        "expired: UNAVAILABLE",
        "replaced: OK",
        "key that does not match: OK",
        "of another authority: UNAVAILABLE",
    }, seen
    return seen


def _issue(authority: trustme.CA, lifetime: timedelta, folder: Path) -> None:
    """Issue a certificate, and replace the files atomically, by a rename."""
    leaf = authority.issue_cert("127.0.0.1", not_after=datetime.now(UTC) + lifetime)
    for name, blob in ((_KEY, leaf.private_key_pem), (_CERT, leaf.cert_chain_pems[0])):
        (new := folder / "new").write_bytes(blob.bytes())
        new.replace(folder / name)


@contextmanager
def _secure_channel(server: Watched) -> Iterator[grpc.Channel]:
    credentials = grpc.ssl_channel_credentials(_AUTHORITY.cert_pem.bytes())
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.secure_channel(server.target, credentials, options) as channel:
        yield channel


def _try(server: Watched) -> str:
    """Return the result of a call on a new connection."""
    with _secure_channel(server) as channel:
        stream = Stream(channel, timeout=LIMIT_S)
        stream.send(pb.EncodeStreamRequest(pcm=FRAME))
        try:
            stream.start().finish()
        except grpc.RpcError as error:
            return str(error.code().name)
        return "OK"
