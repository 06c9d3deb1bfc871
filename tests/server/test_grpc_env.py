"""Which poller gRPC uses: the fast one is not for connections from other machines."""

import os

import pytest
from audiowriter_server.runtime.grpc_env import GRPC_EXPERIMENTS, tune_grpc
from audiowriter_server.runtime.settings import Settings


@pytest.mark.parametrize(
    ("poller", "host", "experiments"),
    [
        ("auto", "127.0.0.1", GRPC_EXPERIMENTS),
        ("auto", "::1", GRPC_EXPERIMENTS),
        ("auto", "localhost", GRPC_EXPERIMENTS),
        ("auto", "0.0.0.0", None),
        ("auto", "::", None),
        ("auto", "audiowriter.example", None),
        ("fast", "0.0.0.0", GRPC_EXPERIMENTS),
        ("default", "127.0.0.1", None),
    ],
)
def test_poller(monkeypatch: pytest.MonkeyPatch, poller: str, host: str, experiments: str | None) -> None:
    monkeypatch.delenv("GRPC_EXPERIMENTS", raising=False)
    tune_grpc(Settings(host=host, insecure=True, poller=poller))
    assert os.environ.get("GRPC_EXPERIMENTS") == experiments
    monkeypatch.delenv("GRPC_EXPERIMENTS", raising=False)


def test_variable_of_the_operator_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRPC_EXPERIMENTS", "")
    tune_grpc(Settings(poller="fast"))
    assert os.environ["GRPC_EXPERIMENTS"] == ""


def test_unknown_poller_is_refused() -> None:
    with pytest.raises(ValueError, match="poller=slow: takes auto, fast or default"):
        Settings(poller="slow")
