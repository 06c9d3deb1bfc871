"""Who a caller is, and how many streams it may have."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
import trustme
from audiowriter_server.rpc.caller import LOCAL, caller_of
from support.server import ServerProcess, Stream, channel_to


class Context:
    def __init__(self, peer: str, *identities: bytes) -> None:
        self._peer, self._identities = peer, identities

    def peer(self) -> str:
        return self._peer

    def peer_identities(self) -> tuple[bytes, ...] | None:
        return self._identities or None


def caller(peer: str, *identities: bytes, token: str = "") -> str:
    return caller_of(Context(peer, *identities), token)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ipv4:192.0.2.1:1", "ipv4:192.0.2.1:2"),
        ("ipv6:%5B2001:db8::1%5D:1", "ipv6:%5B2001:db8::ffff:1%5D:2"),
        ("ipv6:[2001:db8::1]:1", "ipv6:%5B2001:db8::2%5D:1"),
        ("ipv4:192.0.2.1:1", "ipv6:%5B::ffff:192.0.2.1%5D:1"),
        ("ipv6:%5Bfe80::1%25eth0%5D:1", "ipv6:%5Bfe80::1%25eth0%5D:2"),
        ("ipv4:127.0.0.1:1", "ipv6:%5B::1%5D:1"),
        ("ipv4:127.0.0.1:1", "ipv6:%5B::ffff:127.0.0.2%5D:1"),
        ("ipv4:127.0.0.1:1", "unix:"),
    ],
)
def test_addresses_of_one_caller(one: str, other: str) -> None:
    assert caller(one) == caller(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ipv4:192.0.2.1:1", "ipv4:192.0.2.2:1"),
        ("ipv6:%5B2001:db8::1%5D:1", "ipv6:%5B2001:db8:0:1::1%5D:1"),
        ("ipv6:%5B::ffff:192.0.2.1%5D:1", "ipv6:%5B::ffff:192.0.2.2%5D:1"),
        ("ipv4:192.0.2.1:1", "unix:"),
    ],
)
def test_addresses_of_two_callers(one: str, other: str) -> None:
    assert caller(one) != caller(other)


def test_token_counts_before_certificate_and_certificate_before_address() -> None:
    peer, other_peer = "ipv4:192.0.2.1:1", "ipv4:192.0.2.2:1"
    assert caller(peer, b"one", token="secret") == caller(other_peer, b"other", token="secret")
    assert caller(peer, b"one", token="secret") != caller(peer, b"one", token="other")
    assert caller(peer, b"one") == caller(other_peer, b"one")
    assert caller(peer, b"one") != caller(peer, b"other")
    assert "secret" not in caller(peer, token="secret")
    assert caller("unix:") == LOCAL


def refused(channel: grpc.Channel, limit: int, *metadata: tuple[str, str]) -> None:
    error = Stream(channel, metadata=metadata).error()
    assert error.named == ("RESOURCE_EXHAUSTED", "MAX_CALLER_STREAMS_EXCEEDED", "max_caller_streams", str(limit))


@pytest.fixture
def tokens(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "tokens"
    path.write_text("one\nother\n")
    yield path


def test_token_takes_at_most_a_quarter_of_the_places(tokens: Path) -> None:
    one, other = ("authorization", "Bearer one"), ("authorization", "bearer other")
    with ServerProcess(f"--token-file={tokens}", "--max-streams=8") as server, channel_to(server) as channel:
        live = [Stream(channel, metadata=[one]).start() for _ in range(2)]
        with channel_to(server) as another_connection:
            refused(another_connection, 2, one)
        live.append(Stream(channel, metadata=[other]).start())
        for stream in live:
            stream.finish()
        Stream(channel, metadata=[one]).start().finish()
    reasons = [line.get("reason") for line in server.calls()]
    assert reasons.count("MAX_CALLER_STREAMS_EXCEEDED") == 1


def test_token_that_is_not_checked_makes_no_other_caller() -> None:
    with ServerProcess("--max-caller-streams=2") as server, channel_to(server) as channel:
        live = [Stream(channel, metadata=[("authorization", f"Bearer {name}")]).start() for name in "ab"]
        refused(channel, 2, ("authorization", "Bearer c"))
        for stream in live:
            stream.finish()


def test_callers_on_this_machine_may_take_all_places() -> None:
    with ServerProcess("--max-streams=8") as server, channel_to(server) as channel:
        live = [Stream(channel).start() for _ in range(8)]
        assert Stream(channel).error().info.reason == "MAX_STREAMS_EXCEEDED"
        for stream in live:
            stream.finish()


def test_client_certificate_is_a_caller(tmp_path: Path) -> None:
    authority = trustme.CA()
    own, ca = authority.issue_cert("127.0.0.1"), tmp_path / "ca.pem"
    own.private_key_pem.write_to_path(tmp_path / "key.pem")
    own.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    authority.cert_pem.write_to_path(ca)
    flags = (f"--tls-cert={tmp_path}/cert.pem", f"--tls-key={tmp_path}/key.pem", f"--tls-client-ca={ca}")

    def channel_of(name: str) -> grpc.Channel:
        client = authority.issue_cert(name)
        chain = b"".join(blob.bytes() for blob in client.cert_chain_pems)
        credentials = grpc.ssl_channel_credentials(ca.read_bytes(), client.private_key_pem.bytes(), chain)
        return grpc.secure_channel(server.target, credentials, [("grpc.use_local_subchannel_pool", 1)])

    with (
        ServerProcess(*flags, "--max-streams=4") as server,
        channel_of("one") as first,
        channel_of("one") as renewed,
        channel_of("other") as other,
    ):
        live = [Stream(first).start()]
        refused(renewed, 1)
        live.append(Stream(other).start())
        for stream in live:
            stream.finish()
