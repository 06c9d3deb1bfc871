"""Sets the environment variables that gRPC reads when it is imported. This module does not import gRPC."""

import os

GRPC_EXPERIMENTS = "-event_engine_listener"
"""The thread that waits for the completion queue reads the sockets, too. Else each message wakes two threads more: a fifth
of the CPU time of 20 ms frames. Should gRPC drop this switch one day, it says so in its log, and serves as it likes.
"""


def tune_grpc() -> None:
    """Set what gRPC reads from its environment; what the operator has set there stays."""
    os.environ.setdefault("GRPC_EXPERIMENTS", GRPC_EXPERIMENTS)
    # The server logs its own errors. gRPC would add lines in another format.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
