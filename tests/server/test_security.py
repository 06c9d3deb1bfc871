"""Certificates, bearer tokens, and settings that a server refuses at start."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter.v1.audio_writer_pb2_grpc import AudioWriterServiceStub
from audiowriter_server.errors import Unauthenticated
from audiowriter_server.rpc.auth import Certificates, Tokens
from audiowriter_server.runtime.settings import Settings
from cryptography.hazmat.primitives import serialization
from grpc_health.v1 import health_pb2, health_pb2_grpc
from support.server import LIMIT_S, Error, ServerProcess, Stream, channel_to

SECRET = "correct-horse"


def write(certificate: trustme.LeafCert, folder: Path) -> tuple[Path, Path]:
    """Replace certificate and key atomically, by renames."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    for path, blobs in ((key, [certificate.private_key_pem]), (cert, certificate.cert_chain_pems)):
        new = path.with_suffix(".new")
        new.write_bytes(b"".join(blob.bytes() for blob in blobs))
        new.replace(path)
    return cert, key


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def files(authority: trustme.CA, tmp_path: Path) -> tuple[Path, Path]:
    return write(authority.issue_cert("127.0.0.1"), tmp_path)


@contextmanager
def secure_channel(
    server: ServerProcess, authority: trustme.CA, client: trustme.LeafCert | None = None
) -> Iterator[grpc.Channel]:
    key, chain = None, None
    if client is not None:
        key, chain = client.private_key_pem.bytes(), b"".join(blob.bytes() for blob in client.cert_chain_pems)
    credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes(), key, chain)
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.secure_channel(server.target, credentials, options) as channel:
        yield channel


def list_formats(channel: grpc.Channel, *metadata: tuple[str, str]) -> grpc.StatusCode:
    try:
        AudioWriterServiceStub(channel).ListFormats(pb.ListFormatsRequest(), timeout=LIMIT_S, metadata=metadata)
    except grpc.RpcError as error:
        return Error(error).code
    return grpc.StatusCode.OK


def test_renewed_certificate_is_used_without_a_restart(authority: trustme.CA, files: tuple[Path, Path]) -> None:
    cert, key = files
    other = trustme.CA()
    with ServerProcess(f"--tls-cert={cert}", f"--tls-key={key}") as server:
        with secure_channel(server, authority) as old:
            live = Stream(old).start()
            write(other.issue_cert("127.0.0.1"), cert.parent)
            with secure_channel(server, other) as new:
                assert list_formats(new) is grpc.StatusCode.OK
            server.wait_for_line("certificates reloaded")
            assert live.finish().file_bytes == 0
        with secure_channel(server, authority) as stale:
            assert list_formats(stale) is grpc.StatusCode.UNAVAILABLE


def test_failed_renewal_keeps_the_old_certificate(authority: trustme.CA, files: tuple[Path, Path]) -> None:
    cert, key = files
    with ServerProcess(f"--tls-cert={cert}", f"--tls-key={key}") as server:
        key.write_bytes(trustme.CA().issue_cert("127.0.0.1").private_key_pem.bytes())
        with secure_channel(server, authority) as channel:
            assert list_formats(channel) is grpc.StatusCode.OK
        assert "PRIVATE KEY" not in str(server.wait_for_line("certificates not reloaded")["message"])


def test_expired_certificate_is_refused_by_the_client(authority: trustme.CA, tmp_path: Path) -> None:
    expired = authority.issue_cert("127.0.0.1", not_after=datetime.now(UTC) - timedelta(days=1))
    cert, key = write(expired, tmp_path)
    with ServerProcess(f"--tls-cert={cert}", f"--tls-key={key}") as server:
        with secure_channel(server, authority) as channel:
            assert list_formats(channel) is grpc.StatusCode.UNAVAILABLE
        write(authority.issue_cert("127.0.0.1"), tmp_path)
        with secure_channel(server, authority) as channel:
            assert list_formats(channel) is grpc.StatusCode.OK


def test_mutual_tls_accepts_only_certificates_of_the_authority(
    authority: trustme.CA, files: tuple[Path, Path], tmp_path: Path
) -> None:
    cert, key = files
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca)
    with ServerProcess(f"--tls-cert={cert}", f"--tls-key={key}", f"--tls-client-ca={ca}") as server:
        for client, code in (
            (authority.issue_cert("caller"), grpc.StatusCode.OK),
            (trustme.CA().issue_cert("caller"), grpc.StatusCode.UNAVAILABLE),
            (None, grpc.StatusCode.UNAVAILABLE),
        ):
            with secure_channel(server, authority, client) as channel:
                assert list_formats(channel) is code


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    path = tmp_path / "tokens"
    path.write_text(f"# of the night shift\n{SECRET}\n")
    return path


def test_only_tokens_of_the_file_are_accepted(tokens: Path) -> None:
    with ServerProcess(f"--token-file={tokens}") as server:
        with channel_to(server) as channel:
            assert list_formats(channel, ("authorization", f"Bearer {SECRET}")) is grpc.StatusCode.OK
            for wrong in ([], [f"Bearer {SECRET}x"], [f"Basic {SECRET}"], ["Bearer "], [f"Bearer {SECRET}"] * 2):
                metadata = [("authorization", value) for value in wrong]
                error = Stream(channel, metadata=metadata).error()
                assert error.named[:2] == ("UNAUTHENTICATED", "UNAUTHENTICATED")
                assert SECRET not in error.text
            health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
            assert health.status == health_pb2.HealthCheckResponse.SERVING
            tokens.write_text("battery-staple")
            assert list_formats(channel, ("authorization", f"Bearer {SECRET}")) is grpc.StatusCode.UNAUTHENTICATED
            assert list_formats(channel, ("authorization", "Bearer battery-staple")) is grpc.StatusCode.OK
        server.signal()
        assert server.wait() == 0
    assert not [line for line in server.log if SECRET in str(line) or "battery-staple" in str(line)]


def is_valid(known: Tokens, token: str) -> bool:
    try:
        known.check(f"Bearer {token}")
    except Unauthenticated:
        return False
    return True


@pytest.mark.parametrize("content", [b"", b"\n \n", b"# revoked\n", f"# {SECRET}\n".encode(), b"\xff\n", None])
def test_a_token_file_without_tokens_refuses_all_calls(tokens: Path, content: bytes | None) -> None:
    known = Tokens(str(tokens))
    assert is_valid(known, SECRET)
    if content is None:
        tokens.unlink()
    else:
        tokens.write_bytes(content)
    for token in (SECRET, "", "#", "# revoked"):
        assert not is_valid(known, token)
    tokens.write_text("battery-staple\n")
    assert is_valid(known, "battery-staple")
    assert not is_valid(known, SECRET)


def test_a_token_file_that_is_a_folder_refuses_all_calls(tokens: Path) -> None:
    known = Tokens(str(tokens))
    tokens.unlink()
    tokens.mkdir()
    assert not is_valid(known, SECRET)


def test_a_missing_token_file_is_logged_once_per_minute(
    tokens: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    known = Tokens(str(tokens))
    tokens.unlink()
    for _ in range(100):
        assert not is_valid(known, SECRET)
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("tokens not reloaded, all calls are refused: ")
    now += 59
    assert not is_valid(known, SECRET)
    assert len(caplog.messages) == 1
    now += 1
    assert not is_valid(known, SECRET)
    assert len(caplog.messages) == 2


def test_a_missing_certificate_is_logged_once_a_minute(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    cert, key = files
    known = Certificates(str(cert), str(key), "")
    key.unlink()
    for _ in range(100):
        assert known._reload() is None  # called at every handshake
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("certificates not reloaded: ")
    now += 60
    assert known._reload() is None
    assert len(caplog.messages) == 2


def test_reflection_can_be_turned_off() -> None:
    with ServerProcess("--no-reflection") as server, channel_to(server) as channel:
        for version in ("v1", "v1alpha"):
            call: Any = channel.stream_stream(f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo")
            with pytest.raises(grpc.RpcError) as caught:
                next(call(iter([b""]), timeout=LIMIT_S))
            assert Error(caught.value).code is grpc.StatusCode.UNIMPLEMENTED


def test_unusable_files_stop_the_start_with_one_line(tmp_path: Path) -> None:
    (empty := tmp_path / "empty").touch()
    command = [sys.executable, "-m", "audiowriter_server", "--port=0", f"--token-file={empty}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
    assert (done.returncode, done.stderr) == (2, f"audiowriter: token_file={empty}: contains no token\n")


def test_certificate_and_key_must_match(files: tuple[Path, Path], tmp_path: Path) -> None:
    cert, key = files
    key.write_bytes(trustme.CA().issue_cert("127.0.0.1").private_key_pem.bytes())
    with pytest.raises(ValueError, match=f"tls_cert={cert}, tls_key={key}: "):
        Certificates(str(cert), str(key), "")
    with pytest.raises(FileNotFoundError, match="none"):
        Certificates(str(cert), str(tmp_path / "none"), "")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "audio.example"])
def test_other_addresses_than_loopback_require_tls_a_token_or_a_flag(host: str) -> None:
    with pytest.raises(ValueError, match=f"host={host}: not a loopback address"):
        Settings(host=host)
    for also in ({"insecure": True}, {"token_file": "t"}, {"tls_cert": "c", "tls_key": "k"}):
        assert Settings(host=host, **also).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_requires_nothing(host: str) -> None:
    assert Settings(host=host).host == host


def test_encrypted_key_is_refused_without_a_prompt(files: tuple[Path, Path]) -> None:
    cert, key = files
    plain = serialization.load_pem_private_key(key.read_bytes(), None)
    secret = serialization.BestAvailableEncryption(b"secret")
    traditional = serialization.PrivateFormat.TraditionalOpenSSL
    key.write_bytes(plain.private_bytes(serialization.Encoding.PEM, traditional, secret))
    with pytest.raises(ValueError, match="tls_cert="):
        Certificates(str(cert), str(key), "")


def test_printed_config_results_in_the_same_settings(tokens: Path) -> None:
    command = [sys.executable, "-m", "audiowriter_server", "--print-config"]
    flags = [f"--token-file={tokens}", "--max-streams=7", "--no-reflection", "--idle-timeout=2.5"]
    printed = subprocess.run([*command, *flags], capture_output=True, text=True, check=True).stdout
    variables = dict(line.split("=", 1) for line in printed.splitlines())
    assert (
        variables == Settings(token_file=str(tokens), max_streams=7, reflection=False, idle_timeout=2.5).as_variables()
    )
    again = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **variables}).stdout
    assert again == printed
    assert SECRET not in printed
