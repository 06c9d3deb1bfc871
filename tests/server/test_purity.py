"""The core knows no gRPC and no event loop: it runs and is tested without them."""

import ast
import subprocess
import sys
from pathlib import Path

import audiowriter_server
import pytest

PACKAGE = Path(audiowriter_server.__file__).parent
CORE = [
    *sorted(PACKAGE.glob("encoders/*.py")),
    *sorted(PACKAGE.glob("containers/*.py")),
    *(
        PACKAGE / f"{name}.py"
        for name in ("session", "stream_config", "options", "pcm", "samples", "channels", "errors")
    ),
]


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_core_imports_neither_grpc_nor_asyncio(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(alias.name for alias in node.names)]
        else:
            continue
        for name in names:
            root = name.split(".")[0]
            assert not root.startswith("grpc"), name
            assert root not in {"asyncio", "threading", "concurrent"}, name


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("containers/*.py")), ids=lambda path: path.name)
def test_layouts_know_no_codec(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert "encoders" not in (node.module or "")
            assert (node.module or "").split(".")[0] not in {"av", "soundfile", "lameenc"}


def test_the_command_imports_no_grpc_before_it_has_tuned_it() -> None:
    code = "import sys, audiowriter_server.__main__; sys.exit('grpc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
