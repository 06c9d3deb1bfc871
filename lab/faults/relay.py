"""A network that can drop everything."""

import socket
import threading
from contextlib import suppress
from typing import Self

from support.server import LIMIT_S


class Relay:
    """Forwards TCP to `target` until it `swallows`: then neither side receives anything, not even the end."""

    def __init__(self, to: str) -> None:
        host, _, port = to.rpartition(":")
        self._to = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.target = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.swallows = False
        self._sockets = [self._listener]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        try:
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._to, timeout=LIMIT_S)
                far.settimeout(None)
                self._sockets += [near, far]
                for pair in ((near, far), (far, near)):
                    self._threads.append(threading.Thread(target=self._forward, args=pair))
                    self._threads[-1].start()
        except OSError:
            return  # closed

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                if not self.swallows:
                    sink.sendall(data)
        except OSError:
            return  # closed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._sockets:
            # close() alone would not wake the thread that waits on the socket. A closed socket has no such thread.
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for each in self._sockets:
            each.close()
