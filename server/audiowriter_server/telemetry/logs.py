"""The log: lines on stderr, as text for people or JSON for collectors. One line a call, none a message.

A thread writes them, so that a collector that hangs does not hang the streams; what finds its queue full is lost.
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
"""Name under which a record carries further fields: log.info("call", extra={FIELDS: {...}})."""


class TextFormatter(logging.Formatter):
    """Time, level, process, text, then name=value."""

    def format(self, record: logging.LogRecord) -> str:
        line = f"{_time(record)} {record.levelname} {record.process} {record.getMessage()}"
        for name, value in _fields(record).items():
            plain = str(value)
            line += f" {name}={json.dumps(plain) if ' ' in plain or not plain.isprintable() else plain}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

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
        return record  # same process: nothing to pickle, and the listener formats

    def enqueue(self, record: logging.LogRecord) -> None:
        with suppress(Full):
            self.queue.put_nowait(record)


@contextmanager
def logging_to_stderr(log_format: str) -> Iterator[None]:
    """Log until the end of the context."""
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
        # Not QueueListener.stop: it would wait for ever on a stderr that nobody reads.
        deadline = time.monotonic() + _LAST_LINES_S
        while queue.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.005)


def _time(record: logging.LogRecord) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03}Z"


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return getattr(record, FIELDS, {})
