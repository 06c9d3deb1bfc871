"""The grpc.aio server of a process: options, health, reflection, start and stop."""

import asyncio
import logging

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from ..errors import Stopped
from ..rpc.admission import Admission, Context
from ..rpc.auth import Certificates
from ..rpc.reflection import add_reflection
from ..rpc.service import AudioWriterService
from ..rpc.small_requests import SmallRequests
from ..telemetry.call_record import SERVICE_NAME
from .allocator import return_free_pages
from .descriptors import ConnectionSpace
from .settings import Settings

log = logging.getLogger("audiowriter")

LIVENESS = "liveness"
"""Name of the health service for liveness probes. It is SERVING even during a drain, so that probes do not restart it."""

_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
_READINESS = ("", SERVICE_NAME)
_FULL_LOG_S = 60.0
"""Interval, in seconds, of the log lines of a server that accepts no connections."""
_STOP_S = 5.0
"""Seconds that ended calls have to send their last bytes before gRPC cancels them."""


class _Health(health.aio.HealthServicer):  # type: ignore[misc]
    """A health service that can end its `Watch` calls, so that the server does not wait for them when it stops."""

    def __init__(self) -> None:
        super().__init__()
        self._ending = asyncio.Event()

    def end_watches(self) -> None:
        """End all `Watch` calls with OK."""
        self._ending.set()

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Context) -> None:
        """Send the status of a service whenever it changes."""
        tasks = [asyncio.ensure_future(super().Watch(request, context)), asyncio.ensure_future(self._ending.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()


class Server:
    """The server of one process. Create, start and stop it in the same event loop."""

    def __init__(self, settings: Settings, address: str | None = None) -> None:
        """`address`: used instead of the host and port in the settings, for example "unix:/path".

        Raises ValueError or OSError if certificates or tokens are not usable.
        """
        self._settings = settings
        self._address = address
        self._certificates = None
        if settings.tls_cert:
            self._certificates = Certificates(settings.tls_cert, settings.tls_key, settings.tls_client_ca)
        self._admission = Admission(settings)
        self._health = _Health()
        self._space = ConnectionSpace(settings.max_connections)
        self._draining = False
        self._server = grpc.aio.server(options=options(settings, self._space.max_connections))
        AudioWriterService(settings, self._admission).add_to(self._server)
        small = SmallRequests(self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, small)
        if settings.reflection:
            add_reflection((SERVICE_NAME, health.SERVICE_NAME), small)
        self._stopping: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def live_streams(self) -> int:
        """Number of EncodeStream and Encode calls in progress."""
        return self._admission.live_streams

    async def start(self) -> str:
        """Start to listen; return the address. Raises OSError if the address is not available."""
        address = self._address or _join(self._settings.host, self._settings.port)
        try:
            if self._certificates is None:
                port = self._server.add_insecure_port(address)
            else:
                port = self._server.add_secure_port(address, self._certificates.credentials())
        except RuntimeError as exc:
            raise OSError(f"cannot listen on {address}: it is in use, or not an address of this host") from exc
        await self._server.start()
        self._space.listening()
        work = (
            self._admission.publish(),
            self._admission.clock.run(),
            self._watch_connections(),
            return_free_pages(lambda: not self._admission.live_streams),
        )
        self._tasks = [asyncio.create_task(each) for each in work]
        for name in (*_READINESS, LIVENESS):
            await self._health.set(name, _SERVING)
        return self._address or _join(self._settings.host, port)

    async def stop(self, *, release_port: bool = False) -> bool:
        """Set health to NOT_SERVING, refuse new streams, wait for the live ones, and stop.

        `release_port`: stop to listen at once. Otherwise clients still connect, and get the error DRAINING.
        Returns False if some streams had to be terminated.
        """
        if release_port:
            self._stopping = asyncio.create_task(self._server.stop(self._settings.drain_timeout + _STOP_S))
        self._draining = True
        await self._set_ready(False)
        done = await self._admission.drain(self._settings.drain_timeout)
        await self._end()
        return done

    async def kill(self) -> None:
        """Terminate the live streams and stop."""
        await self._admission.terminate(Stopped("the server was stopped immediately by a second signal", "STOPPED"))
        await self._end()

    async def _set_ready(self, ready: bool) -> None:
        for name in _READINESS:
            # A drain may begin in between.
            await self._health.set(name, _SERVING if ready and not self._draining else _NOT_SERVING)

    async def _watch_connections(self) -> None:
        """Set health to NOT_SERVING while the server cannot accept connections, and log it once a minute."""
        loop = asyncio.get_running_loop()
        was_full, logged_at = False, float("-inf")
        while not self._draining:
            full = self._space.is_full()
            if full != was_full:
                await self._set_ready(not full)
            if full and loop.time() - logged_at >= _FULL_LOG_S:
                logged_at = loop.time()
                text = "no space for new connections: all %d are open (max_connections=%d, or the limit of descriptors)"
                log.warning(text, self._space.max_connections, self._settings.max_connections)
            was_full = full
            await asyncio.sleep(1)

    async def _end(self) -> None:
        self._health.end_watches()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await (self._stopping or self._server.stop(_STOP_S))


def _join(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def options(settings: Settings, max_connections: int) -> list[tuple[str, int]]:
    """Return the channel arguments of gRPC: limits, windows and keepalive."""
    return [
        # gRPC closes others at once.
        ("grpc.max_allowed_incoming_connections", max_connections),
        ("grpc.max_concurrent_streams", settings.max_connection_streams),
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", settings.max_message_bytes),
        # Above our own limit, so that most violations get our error, which names the limit. gRPC's error does not.
        ("grpc.max_metadata_size", 2 * settings.max_metadata_bytes),
        ("grpc.absolute_max_metadata_size", 4 * settings.max_metadata_bytes),
        ("grpc.max_connection_age_ms", int(settings.max_connection_age * 1000)),
        ("grpc.max_connection_age_grace_ms", int(settings.max_connection_age_grace * 1000)),
        # For connections that send nothing. The default is two minutes.
        ("grpc.server_handshake_timeout_ms", 20_000),
        # Off by default: a second server on the same port must fail, not get half of the connections.
        ("grpc.so_reuseport", int(settings.shared_port)),
        # Windows of 64 KiB, so that a client that does not read takes little memory.
        ("grpc.http2.lookahead_bytes", 64 * 1024),
        ("grpc.http2.bdp_probe", 0),
        # Without this, a flood of small control frames takes hundreds of megabytes of read buffers.
        ("grpc.experimental.tcp_max_read_buffer_size", 256 * 1024),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        # Without this, gRPC waits one minute for the answer to a ping, even if the keepalive timeout is shorter.
        ("grpc.http2.ping_timeout_ms", 20_000),
        # Clients may send keepalive pings. By default, gRPC closes such connections with too_many_pings.
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ]
