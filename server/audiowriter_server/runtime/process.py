"""One server process, from its start to its end: SIGTERM or SIGINT drains it, a second one ends it at once."""

import asyncio
import gc
import logging
import signal
import sys
from contextlib import ExitStack

from ..telemetry import metrics, tracing
from ..telemetry.logs import logging_to_stderr
from .server import Server
from .settings import Settings

log = logging.getLogger("audiowriter")

DONE, CUT, CAN_NOT_START = 0, 1, 2
"""Exit codes: all streams were finished; some had to be cut; there was never a server."""

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run(settings: Settings) -> int:
    """Serve until a signal; give the exit code."""
    with ExitStack() as stack:
        stack.enter_context(logging_to_stderr(settings.log_format))
        try:
            stack.enter_context(tracing.exporting(settings.tracing))
            if settings.metrics_port:
                stack.enter_context(metrics.serving(settings.metrics_host, settings.metrics_port))
        except ModuleNotFoundError as exc:
            return fail(f"tracing: {exc.name} is missing: pip install 'audiowriter[otel]'")
        except OSError as exc:
            return fail(f"metrics on {settings.metrics_host}:{settings.metrics_port}: {exc}")
        with asyncio.Runner(loop_factory=_new_event_loop) as runner:
            return runner.run(_serve(settings))


def fail(told: str) -> int:
    """Say in one line why there will be no server."""
    print(f"audiowriter: {told}", file=sys.stderr)
    return CAN_NOT_START


async def _serve(settings: Settings) -> int:
    signals: asyncio.Queue[int] = asyncio.Queue()
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, signals.put_nowait, number)
    try:
        server = Server(settings)
        log.info("listening on %s", await server.start())
    except (OSError, ValueError) as exc:
        return fail(str(exc))
    # What is here now stays: a full collection would look at all of it, and hold up every stream for it.
    gc.collect()
    gc.freeze()
    await signals.get()
    log.info("draining %d live streams", server.live_streams)
    drain = asyncio.ensure_future(server.stop())
    second = asyncio.ensure_future(signals.get())
    await asyncio.wait((drain, second), return_when=asyncio.FIRST_COMPLETED)
    second.cancel()
    if drain.done():
        log.info("stopped")
        return DONE if drain.result() else CUT
    drain.cancel()
    log.warning("ending at once with %d live streams", server.live_streams)
    await server.kill()
    return CUT


def _new_event_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # not made for this platform
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
