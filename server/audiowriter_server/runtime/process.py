"""One server process. SIGTERM or SIGINT drains it, and a second signal stops it immediately."""

import asyncio
import gc
import logging
import signal
import socket
import sys
from contextlib import ExitStack

from ..telemetry import metrics, tracing
from ..telemetry.logs import logging_to_stderr
from .allocator import return_large_blocks
from .descriptors import raise_limit
from .heartbeat import send_farewell, send_heartbeats
from .server import Server
from .settings import Settings

log = logging.getLogger("audiowriter")

FINISHED, TERMINATED, NOT_STARTED = 0, 1, 2
"""Exit codes: all streams were finished; some streams were terminated; the server could not start."""

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run(settings: Settings, supervisor: socket.socket | None = None) -> int:
    """Serve until a signal; return the exit code. `supervisor`: the socket to it, if this process is a worker."""
    return_large_blocks()
    raise_limit()
    with ExitStack() as stack:
        stack.enter_context(logging_to_stderr(settings.log_format))
        try:
            stack.enter_context(tracing.exporting(settings.tracing))
            if settings.metrics_port:
                stack.enter_context(metrics.serving(settings.metrics_host, settings.metrics_port))
        except ModuleNotFoundError as exc:
            return fail(f"tracing=True: {exc.name} is not installed: pip install 'audiowriter[otel]'")
        except OSError as exc:
            return fail(f"cannot serve metrics on {settings.metrics_host}:{settings.metrics_port}: {exc}")
        with asyncio.Runner(loop_factory=_new_event_loop) as runner:
            try:
                return runner.run(_serve(settings, supervisor))
            finally:
                if supervisor is not None:
                    send_farewell(supervisor)


def fail(reason: str) -> int:
    """Print why the server cannot start; return the exit code."""
    print(f"audiowriter: {reason}", file=sys.stderr)
    return NOT_STARTED


async def _serve(settings: Settings, supervisor: socket.socket | None) -> int:
    orphaned = asyncio.ensure_future(send_heartbeats(supervisor) if supervisor else asyncio.Event().wait())
    signals: asyncio.Queue[int] = asyncio.Queue()
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, signals.put_nowait, number)
    try:
        server = Server(settings)
        log.info("listening on %s", await server.start())
    except (OSError, ValueError) as exc:
        return fail(str(exc))
    # The objects that exist now stay until the end. freeze() excludes them from full collections, which block all streams.
    gc.collect()
    gc.freeze()
    first = asyncio.ensure_future(signals.get())
    await asyncio.wait((first, orphaned), return_when=asyncio.FIRST_COMPLETED)
    first.cancel()
    log.info("draining %d live streams", server.live_streams)
    # After the end of the supervisor, a new one needs the port at once.
    drain = asyncio.ensure_future(server.stop(release_port=orphaned.done()))
    second = asyncio.ensure_future(signals.get())
    await asyncio.wait((drain, second), return_when=asyncio.FIRST_COMPLETED)
    second.cancel()
    if drain.done():
        log.info("stopped")
        return FINISHED if drain.result() else TERMINATED
    drain.cancel()
    log.warning("stopping immediately with %d live streams", server.live_streams)
    await server.kill()
    return TERMINATED


def _new_event_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # not available on this platform
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
