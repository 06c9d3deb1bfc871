"""Targets that name several servers."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import grpc
import pytest
import trustme
from audiowriter.v1.audio_writer_pb2 import ListFormatsRequest
from audiowriter_client import ServiceUnavailable, list_formats
from audiowriter_client.connection import connect, connect_aio, service
from audiowriter_client.targets import look_up, servers_of
from support.server import ServerProcess


@pytest.mark.parametrize(
    "target",
    [
        "localhost:50051",
        "[::1]:50051",
        "unix:/run/a,b.sock",
        "dns:///a:1",
        "dns://9.9.9.9/a:1",
        "ipv4:1.2.3.4:1,5.6.7.8:1",
    ],
)
def test_other_target_of_grpc_is_not_a_list(target: str) -> None:
    assert servers_of(target) == ()


def test_list_is_split() -> None:
    assert servers_of("a.test:1,[::1]:2,127.0.0.1") == ["a.test:1", "[::1]:2", "127.0.0.1"]


@pytest.mark.parametrize(
    "target", ["a:1,", ",a:1", "a:1,,b:2", "a:1,b:x", "a:1,b:70000", "a:1, b:2", "a:1,b/c:2", "a:1,[::1:2"]
)
def test_error_names_the_bad_server_of_a_list(target: str) -> None:
    with pytest.raises(ValueError, match=r"' in a list of servers: expected host:port"):
        servers_of(target)


def test_error_quotes_at_most_64_characters_of_a_server() -> None:
    with pytest.raises(ValueError, match=r"^'x{62}… in a list of servers: expected host:port$"):
        servers_of(f"a:1,{'x' * 1000}:y")


def test_addresses_of_all_servers_are_one_target(monkeypatch: pytest.MonkeyPatch) -> None:
    v4, v6 = {"two.test": ("10.0.0.1", "10.0.0.2"), "one.test": ("10.0.0.2",)}, {"six.test": ("fe80::1%eth0",)}

    def getaddrinfo(host: str, port: int, type: int) -> Iterator[object]:  # noqa: A002 - the name in the standard library
        if host not in {**v4, **v6}:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        yield from ((None, None, None, "", (address, port)) for address in v4.get(host, ()))
        yield from ((None, None, None, "", (address, port, 0, 2)) for address in v6.get(host, ()))

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert look_up(["two.test:1", "one.test"]) == "ipv4:10.0.0.1:1,10.0.0.2:1,10.0.0.2:50051"
    assert look_up(["one.test:1", "six.test:2"]) == "ipv6:[::ffff:10.0.0.2]:1,[fe80::1%25eth0]:2"
    assert look_up(["nobody.test:1", "one.test:1", "one.test:1"]) == "ipv4:10.0.0.2:1"
    assert look_up(["nobody.test:1", "none.test:2"]) == "dns:///nobody.test:1"


def test_servers_that_do_not_respond_are_skipped(target: str) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        dead = f"127.0.0.1:{nobody.getsockname()[1]}"
        assert list_formats(f"nobody.invalid:1,[::1]:1,{dead},{target}")


async def test_host_that_does_not_answer_is_unavailable_after_a_quarter_of_the_default() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = f"127.0.0.1:{silent.getsockname()[1]}"
        # gRPC's default is 20 s. These calls have a deadline before that, and must fail before it.
        async with connect_aio(target, None) as channel:
            with connect(target, None) as sync_channel:
                done = await asyncio.gather(
                    service(channel).ListFormats(ListFormatsRequest(), timeout=15),
                    asyncio.to_thread(service(sync_channel).ListFormats, ListFormatsRequest(), timeout=15),
                    return_exceptions=True,
                )
    assert [cast("grpc.Call", error).code() for error in done] == [grpc.StatusCode.UNAVAILABLE] * 2


def test_list_without_an_address_is_unavailable() -> None:
    with pytest.raises(ServiceUnavailable):
        list_formats("nobody.invalid:1,nobody.invalid:2")


def test_servers_of_a_list_are_verified_by_the_first_name(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("first.test", "127.0.0.1")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(b"".join(part.bytes() for part in certificate.cert_chain_pems))
    key.write_bytes(certificate.private_key_pem.bytes())
    credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    with ExitStack() as stack:
        servers = [stack.enter_context(ServerProcess(f"--tls-cert={chain}", f"--tls-key={key}")) for _ in range(2)]
        both = ",".join(server.target for server in servers)
        assert list_formats(both, credentials=credentials)
        assert list_formats(f"first.test:1,{both}", credentials=credentials)
        with pytest.raises(ServiceUnavailable):
            list_formats(f"other.test:1,{both}", credentials=credentials)
