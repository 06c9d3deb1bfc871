import ast
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import audiowriter_client

PACKAGE = Path(audiowriter_client.__file__).parent


def test_public_names() -> None:
    assert sorted(audiowriter_client.__all__) == [
        "AsyncAudioWriter",
        "AsyncFileIterator",
        "AudioWriter",
        "AudioWriterError",
        "CallFailed",
        "DeadlineExceeded",
        "FileIterator",
        "InvalidArgument",
        "LimitExceeded",
        "ServiceUnavailable",
        "Sink",
        "StreamCancelled",
        "TruncatedStream",
        "Violation",
        "async_encode",
        "async_encode_iter",
        "async_get_server_info",
        "async_list_formats",
        "async_resolve_config",
        "encode",
        "encode_iter",
        "get_server_info",
        "list_formats",
        "resolve_config",
        "stream_config",
    ]
    assert all(hasattr(audiowriter_client, name) for name in audiowriter_client.__all__)


def test_version_is_the_distribution_s() -> None:
    assert audiowriter_client.__version__ == version("audiowriter")


def test_library_needs_only_its_base_dependencies() -> None:
    required = {"fastcrc", "google", "grpc", "grpc_status", "numpy"}
    allowed = {"audiowriter", "audiowriter_client"} | required | sys.stdlib_module_names
    for file in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names: list[str | None] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module]
            of_extra = {"boto3"} if file.name == "s3.py" else set()
        assert {str(name).partition(".")[0] for name in names} <= allowed | of_extra, file


def test_command_reports_a_missing_dependency() -> None:
    code = "import sys; sys.modules['click'] = None\nfrom audiowriter_cli import main\nraise SystemExit(main())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (2, "audiowriter: click is missing: pip install 'audiowriter[cli]'\n")
