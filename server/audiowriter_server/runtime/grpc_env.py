"""Sets the environment variables that gRPC reads when it is imported. This module does not import gRPC."""

import os

from .settings import Settings

GRPC_EXPERIMENTS = "-event_engine_listener"
"""Selects the fast poller: the thread that waits for the completion queue also reads the sockets. Otherwise each message
wakes two more threads, which takes a fifth of the CPU time of 20 ms frames. A version of gRPC that does not know the switch
logs that and uses its default.
"""


def tune_grpc(settings: Settings) -> None:
    """Set the variables for these settings, unless the operator has set them."""
    # With the fast poller, a connection that floods the server with control frames stops all others.
    if settings.poller == "fast" or (settings.poller == "auto" and settings.is_local):
        os.environ.setdefault("GRPC_EXPERIMENTS", GRPC_EXPERIMENTS)
    # The server logs its own errors. gRPC would add lines in another format.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
