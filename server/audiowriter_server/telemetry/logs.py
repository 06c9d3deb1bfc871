"""Logging to stderr, as text or JSON. There is one line per call and none per message.

A thread writes the lines, so a reader of stderr that hangs does not block the streams. If the queue is full, lines are lost.
"""

import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from logging.handlers import QueueHandler, QueueListener
from queue import Full, Queue
from typing import Any

_QUEUE_RECORDS = 10_000
_LAST_LINES_S = 1.0

FIELDS = "fields"
"""Key for additional fields of a record: log.info("call", extra={FIELDS: {...}})."""


class TextFormatter(logging.Formatter):
    """Formats a record as time, level, process id, message and name=value pairs."""

    def format(self, record: logging.LogRecord) -> str:
        line = f"{_time(record)} {record.levelname} {record.process} {record.getMessage()}"
        for name, value in _fields(record).items():
            plain = str(value)
            line += f" {name}={json.dumps(plain) if ' ' in plain or not plain.isprintable() else plain}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """Formats a record as one line with a JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "pid": record.process,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


class _BoundedHandler(QueueHandler):
    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record  # unformatted: the listener, which formats it, is in the same process

    def enqueue(self, record: logging.LogRecord) -> None:
        with suppress(Full):
            self.queue.put_nowait(record)


@contextmanager
def logging_to_stderr(log_format: str) -> Iterator[None]:
    """Log to stderr until the end of the context. `log_format`: "text" or "json"."""
    stream = logging.StreamHandler(sys.stderr)
    stream.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    queue: Queue[logging.LogRecord] = Queue(_QUEUE_RECORDS)
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    root.addHandler(handler := _BoundedHandler(queue))
    QueueListener(queue, stream).start()
    try:
        yield
    finally:
        root.removeHandler(handler)
        # Not QueueListener.stop, which would wait forever if stderr is a pipe that is not read.
        deadline = time.monotonic() + _LAST_LINES_S
        while queue.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.005)


def _time(record: logging.LogRecord) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03}Z"


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return getattr(record, FIELDS, {})
