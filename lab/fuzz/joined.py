"""Join a cgroup, then become the server: `python -m lab.fuzz.joined GROUP`, then the arguments of the server.

Memory is charged to the group in which it was first used, so the server must join before it starts. This module does not
import gRPC, because the server sets gRPC's variables before it imports it.
"""

import os
import sys
from pathlib import Path
from runpy import run_module

if __name__ == "__main__":
    (Path(sys.argv.pop(1)) / "cgroup.procs").write_text(str(os.getpid()))
    run_module("audiowriter_server", run_name="__main__", alter_sys=True)
