"""A page in headless Chromium encodes through grpc-web and plays the result."""

import json
import math
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from support.server import LIMIT_S

from lab.envoy.envoy import one_server

PAGE = Path(__file__).parent / "page"
LONGEST_S = 90.0
TONE_RMS = 8000 / 32768 / math.sqrt(2)
SLACK_S = 0.1
"""AAC in ADTS can't signal how much delay and padding to remove."""
INVALID_ARGUMENT = 3

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
    # Resolves no host except this machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def run() -> bool:
    """Open the page in a browser and print its results. True if every format decoded to the original tone."""
    chromium = shutil.which("chromium")
    if chromium is None:
        print("FAULT: no browser: apt-get install chromium")
        return False
    with ExitStack() as stack:
        _, envoy = stack.enter_context(one_server())
        site, results = stack.enter_context(_site())
        profile = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        url = f"{site}/index.html?envoy=http://{envoy.target}"
        browser = subprocess.Popen(
            [chromium, *FLAGS, f"--user-data-dir={profile}", url],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        stack.callback(_end, browser)
        assert browser.stderr is not None
        threading.Thread(target=browser.stderr.read, daemon=True).start()
        try:
            return _judge(results.get(timeout=LONGEST_S))
        except Empty:
            print(f"FAULT: the page sent no result within {LONGEST_S:g} s")
            return False


def _judge(result: dict[str, Any]) -> bool:
    seconds = result["seconds"]
    good = "error" not in result and result["refused"]["code"] == INVALID_ARGUMENT
    for name, heard in result["formats"].items():
        is_right = (
            abs(heard["decoded"] - seconds) < SLACK_S
            and abs(heard["played"] - seconds) < SLACK_S
            and 0.8 < heard["rms"] / TONE_RMS < 1.2
        )
        good = good and is_right
        print(
            f"  {name:10}  {heard['mimeType']:12}  {heard['bytes']:6} bytes  decoded {heard['decoded']:.3f} s"
            f"  played {heard['played']:.3f} s  {'' if is_right else 'FAULT'}"
        )
    print(f"in a browser: {len(result['formats'])} formats of a tone of {seconds:g} s; {result.get('refused')}")
    if "error" in result:
        print(f"FAULT: {result['error']}")
    return bool(good)


class _Handler(SimpleHTTPRequestHandler):
    """Serves the page and receives its result."""

    def __init__(self, *arguments: Any, results: Queue[dict[str, Any]], **options: Any) -> None:
        self._results = results
        super().__init__(*arguments, directory=str(PAGE), **options)

    def do_POST(self) -> None:
        self._results.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


@contextmanager
def _site() -> Iterator[tuple[str, Queue[dict[str, Any]]]]:
    results: Queue[dict[str, Any]] = Queue()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, results=results)) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{site.server_port}", results
        finally:
            site.shutdown()
            thread.join()


def _end(browser: subprocess.Popen[str]) -> None:
    browser.terminate()
    browser.wait(LIMIT_S)
