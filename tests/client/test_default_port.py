from contextlib import nullcontext

import grpc
import grpc.aio
import pytest
from audiowriter_client import connection
from audiowriter_client.default_port import with_default_port


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("localhost", "localhost:50051"),
        ("127.0.0.1", "127.0.0.1:50051"),
        ("audio-writer.example", "audio-writer.example:50051"),
        ("::1", "[::1]:50051"),
        ("[::1]", "[::1]:50051"),
        ("fe80::1%eth0", "[fe80::1%eth0]:50051"),
        ("dns:///name", "dns:///name:50051"),
        ("dns:name", "dns:name:50051"),
        ("dns://10.0.0.1/name", "dns://10.0.0.1/name:50051"),
        ("dns:///[::1]", "dns:///[::1]:50051"),
    ],
)
def test_name_without_a_port_gets_the_default_port(target: str, expected: str) -> None:
    assert with_default_port(target) == expected


@pytest.mark.parametrize(
    "target",
    [
        "localhost:1234",
        "[::1]:1234",
        "dns:///name:1234",
        "dns:name:1234",
        "unix:/run/socket",
        "unix:socket",
        "unix:///run/socket",
        "unix-abstract:name",
        "vsock:1:2",
        "ipv4:127.0.0.1",
        "ipv6:[::1]",
        "xds:///name",
        "localhost:",
        "/run/socket",
        "",
    ],
)
def test_other_targets_are_unchanged(target: str) -> None:
    assert with_default_port(target) == target


async def test_channels_use_the_default_port(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def open_channel(target: str, *_: object, **__: object) -> nullcontext[None]:
        opened.append(target)
        return nullcontext()

    for module in (grpc, grpc.aio):
        for kind in ("insecure_channel", "secure_channel"):
            monkeypatch.setattr(module, kind, open_channel)
    for credentials in (None, grpc.ssl_channel_credentials()):
        with connection.connect("localhost", credentials):
            pass
        async with connection.connect_aio("localhost", credentials):
            pass
    assert opened == ["localhost:50051"] * 4
