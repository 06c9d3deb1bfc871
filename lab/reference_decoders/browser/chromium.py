"""A headless Chromium with a new profile and access to loopback only, which ends with its context."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
SECONDS_TO_END = 20


def missing() -> str | None:
    """Return what to install, or None if Chromium is installed."""
    return None if shutil.which("chromium") else "chromium: apt-get install chromium"


@contextmanager
def open_page(url: str, profile: Path) -> Iterator[None]:
    """Show a page for the duration of the context. `profile`: an empty folder."""
    command = ["chromium", *FLAGS, f"--user-data-dir={profile}", url]
    with (profile / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
