"""Makes planned calls and judges how they end."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import grpc

from lab.fuzz.plans import Plan, summary

STATUS_S = 120.0
"""Seconds within which a call must end. All timeouts of the fuzzed server are shorter. But a message of 1 MB at 1 kHz is
several minutes of audio: it takes up to 15 s of CPU time, and shares the cores with the messages of all other callers."""

UNREAD_S = 5.0
"""Seconds after which a client that does not read looks for its status, which follows the responses. The timeout of the
server is shorter."""

_SERVERS_OWN = {"OK", "INVALID_ARGUMENT", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED", "ABORTED", "UNAVAILABLE"}
"""Statuses that random calls may get from a server that works. Others must have a reason in the plan."""


class Harm(Exception):
    """A call that ended as no call may end."""


def call(channel: grpc.Channel, plan: Plan) -> str:
    """Make a call and return its status. Raises Harm."""
    over = threading.Event()

    def messages() -> Iterator[bytes]:
        for message in plan.messages:
            if over.wait(plan.pause_s) if plan.pause_s else over.is_set():
                return
            yield message
        if not plan.half_closes:
            over.wait()

    begin = time.monotonic()
    # All methods are called as streams of bytes: a unary method is one message on the wire, and may get more or none.
    method: Any = channel.stream_stream(plan.method)
    running: Any = method(messages(), timeout=plan.deadline_s, metadata=plan.metadata)
    ended = threading.Event()
    running.add_done_callback(lambda _: ended.set())
    try:
        return _judged(running, ended, plan)
    except Harm as harm:
        raise Harm(f"{harm} after {time.monotonic() - begin:.1f} s: {summary(plan)}") from None
    finally:
        over.set()
        running.cancel()


def _judged(running: Any, ended: threading.Event, plan: Plan) -> str:
    cancel_after_s = plan.cancel_after_s
    if not plan.ends_by_itself and cancel_after_s is None and plan.deadline_s is None:
        cancel_after_s = 0.5
    reader = threading.Thread(target=_read, args=(running, ended, 0.0 if plan.reads else UNREAD_S))
    reader.start()
    if cancel_after_s is not None and not ended.wait(cancel_after_s):
        running.cancel()
    if not ended.wait(STATUS_S):
        raise Harm("no status")
    reader.join()
    code: str = running.code().name
    allowed = set(_SERVERS_OWN)
    if cancel_after_s is not None:
        allowed.add("CANCELLED")
    if plan.deadline_s is not None:
        allowed.add("DEADLINE_EXCEEDED")
    if plan.method.endswith("/Missing"):
        allowed = allowed - {"OK"} | {"UNIMPLEMENTED"}
    if plan.method.endswith("/Check"):
        allowed.add("NOT_FOUND")
    if code not in allowed:
        raise Harm(f"{code}: {running.details()}")
    return code


def _read(running: Any, ended: threading.Event, after_s: float) -> None:
    ended.wait(after_s)
    try:
        for _ in running:
            pass
    except grpc.RpcError:
        pass  # its status is judged
