"""Entry point of the `audiowriter` command.

It is outside of `audiowriter_client` because that package imports gRPC, and gRPC reads its environment when it is imported.
"""

import os


def main() -> int:
    """Run the command and return its exit code."""
    # The command prints one line per error. Without this, gRPC prints its own log lines as well.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from audiowriter_client.cli import main as run

    return run()
