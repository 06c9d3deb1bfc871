"""The lines of the log, and the status of an internal error."""

import json
import logging
import os
import subprocess
import sys

import grpc
import pytest
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter.v1.audio_writer_pb2_grpc import AudioWriterServiceStub
from audiowriter_server.telemetry.logs import FIELDS, JsonFormatter, TextFormatter
from support.server import LIMIT_S, Error, ServerProcess, channel_to

BROKEN = """
import sys, audiowriter_server.rpc.service as service
from audiowriter_server.__main__ import main
def list_formats(): raise ValueError("the secret of the house")
service.list_formats = list_formats
sys.exit(main())
"""


def record(message: str, **fields: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"msg": message, "levelname": "INFO", "created": 0.25, "msecs": 250.0, "process": 7})
    setattr(made, FIELDS, fields)
    return made


def test_json_is_one_object_per_line() -> None:
    line = JsonFormatter().format(record("call", method="Encode", peer="a\nb"))
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:00.250Z",
        "level": "info",
        "pid": 7,
        "message": "call",
        "method": "Encode",
        "peer": "a\nb",
    }


def test_text_quotes_values_that_would_break_the_line() -> None:
    line = TextFormatter().format(record("call", code="OK", peer="a\nb", title="two words"))
    assert line == '1970-01-01T00:00:00.250Z INFO 7 call code=OK peer="a\\nb" title="two words"'


def test_unread_log_does_not_block_the_streams() -> None:
    """stderr is a pipe that is full after about 250 lines."""
    command = [sys.executable, "-m", "audiowriter_server", "--port=0"]
    read, write = os.pipe()
    with subprocess.Popen(command, stderr=write) as process:
        os.close(write)
        said = b""
        while not said.endswith(b"\n"):
            said += os.read(read, 1)
        with channel_to(said.decode().rpartition(" ")[2].strip()) as channel:
            stub = AudioWriterServiceStub(channel)
            for _ in range(600):
                stub.ListFormats(pb.ListFormatsRequest(), timeout=LIMIT_S)
        process.kill()
        os.close(read)


def test_internal_error_is_an_id_for_the_client_and_a_traceback_in_the_log() -> None:
    with ServerProcess(program=("-c", BROKEN)) as server, channel_to(server) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            AudioWriterServiceStub(channel).ListFormats(pb.ListFormatsRequest())
        error = Error(caught.value)
        logged = server.wait_for_line("internal error ")
        call = server.wait_for_line("call")
    assert (error.code, error.info.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert "secret" not in error.text
    assert f"internal error {call['error_id']}: the server's log has the details" == error.text
    assert logged["message"] == f"internal error {call['error_id']}"
    assert "the secret of the house" in logged["exception"]
