"""Run one server until it is told to stop: SIGTERM or SIGINT drains it, a second one ends it at once."""

import argparse
import asyncio
import logging
import signal
import sys
from dataclasses import fields

from .config import Settings
from .server import Server

log = logging.getLogger("audiowriter")


def serve(settings: Settings) -> int:
    """Serve until a signal; give the exit code: 0, or 1 if live streams had to be cut."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    with asyncio.Runner(loop_factory=_new_event_loop) as runner:
        return runner.run(_serve(settings))


async def _serve(settings: Settings) -> int:
    server = Server(settings)
    try:
        address = await server.start()
    except OSError as exc:
        print(f"audiowriter: {exc}", file=sys.stderr)
        return 1
    log.info("listening on %s", address)
    signals: asyncio.Queue[int] = asyncio.Queue()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, signals.put_nowait, number)
    await signals.get()
    log.info("draining %d live streams", server.service.live_streams)
    drain = asyncio.ensure_future(server.stop())
    second = asyncio.ensure_future(signals.get())
    await asyncio.wait((drain, second), return_when=asyncio.FIRST_COMPLETED)
    if not drain.done():
        drain.cancel()
        await server.kill()
        return 1
    second.cancel()
    return 0 if drain.result() else 1


def _new_event_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # not made for this platform
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def main() -> int:
    """Flags for the settings that a test or a container needs; `audiowriter serve` has them all."""
    parser = argparse.ArgumentParser(prog="python -m audiowriter_server")
    for setting in fields(Settings):
        if setting.type in (int, float, str):
            flag = "--" + setting.name.replace("_", "-")
            parser.add_argument(flag, type=setting.type, default=setting.default, help=setting.metadata["help"])
    try:
        settings = Settings(**vars(parser.parse_args()))
    except ValueError as exc:
        parser.error(str(exc))
    return serve(settings)


if __name__ == "__main__":
    sys.exit(main())
