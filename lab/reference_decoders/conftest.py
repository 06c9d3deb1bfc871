"""Fixtures of the checks, and the matrix of results. Collected only if named: `make lab-reference-decoders`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from audiowriter.v1.audio_writer_pb2_grpc import AudioWriterServiceStub

from lab.reference_decoders import matrix
from lab.reference_decoders.product import running_server
from lab.reference_decoders.tools import missing


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    here = Path(__file__).parent
    named = (config.invocation_params.dir / argument.split("::")[0] for argument in config.args)
    return None if any(path.resolve().is_relative_to(here) for path in named) else True


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every", type=int, default=1, metavar="N", help="Check only every N-th file of the matrix.")
    parser.addoption("--long", action="store_true", help="Also run tests that take minutes.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    every = config.getoption("--every")
    files = [item for item in items if item.path.name == "test_files.py"]
    left_out = {id(item) for number, item in enumerate(files) if number % every}
    items[:] = [item for item in items if id(item) not in left_out]


@pytest.fixture
def long(request: pytest.FixtureRequest) -> None:
    """Skip tests that take minutes, unless --long is given."""
    if not request.config.getoption("--long"):
        pytest.skip("takes minutes: --long")


@pytest.fixture(scope="session", autouse=True)
def tools() -> None:
    """Require every program: a matrix with gaps would look like a success."""
    if lines := missing():
        pytest.exit("\n".join(["missing programs", *lines]), returncode=1)


@pytest.fixture(scope="session")
def server() -> Iterator[AudioWriterServiceStub]:
    with running_server() as stub:
        yield stub


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, ())]
    lines = list(matrix.lines(prop for report in reports for prop in report.user_properties))
    if lines:
        terminalreporter.section("format x judge: cases (with faults)")
        for line in lines:
            terminalreporter.write_line(line)
