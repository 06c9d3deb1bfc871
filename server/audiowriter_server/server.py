"""A grpc.aio server around the service: options, health, reflection, start and stop."""

import grpc
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter.v1 import audio_writer_pb2_grpc as pb_grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from .config import Settings
from .service import AudioWriterService

SERVICE_NAME = pb.DESCRIPTOR.services_by_name["AudioWriterService"].full_name
_SERVING = health_pb2.HealthCheckResponse.SERVING
_STOP_S = 1.0


class Server:
    """One process' server. Make, start and stop it in one event loop."""

    def __init__(self, settings: Settings, address: str | None = None) -> None:
        """`address`: what to listen on instead of the settings' host and port, such as "unix:/path"."""
        self._settings = settings
        self._address = address
        self.service = AudioWriterService(settings)
        self._health = health.aio.HealthServicer()
        self._server = grpc.aio.server(options=_options(settings))
        pb_grpc.add_AudioWriterServiceServicer_to_server(self.service, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        if settings.reflection:
            names = (SERVICE_NAME, health.SERVICE_NAME, reflection.SERVICE_NAME)
            reflection.enable_server_reflection(names, self._server)

    async def start(self) -> str:
        """Listen; give the address. Raises OSError if it is taken."""
        address = self._address or _join(self._settings.host, self._settings.port)
        try:
            port = self._server.add_insecure_port(address)
        except RuntimeError as exc:
            raise OSError(f"can't listen on {address}: {exc}") from exc
        await self._server.start()
        for name in ("", SERVICE_NAME):
            await self._health.set(name, _SERVING)
        return self._address or _join(self._settings.host, port)

    async def stop(self) -> bool:
        """Say NOT_SERVING, refuse new streams, wait for the live ones, stop. False if some had to be cut."""
        await self._health.enter_graceful_shutdown()
        done = await self.service.drain(self._settings.drain_timeout)
        # Not earlier, and not with the whole grace: an open health Watch would make it wait all of it.
        await self._server.stop(_STOP_S if done else 0)
        return done

    async def kill(self) -> None:
        """End at once, live streams and all."""
        await self._server.stop(0)


def _join(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _options(settings: Settings) -> list[tuple[str, int]]:
    return [
        ("grpc.max_concurrent_streams", settings.max_connection_streams),
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", settings.max_message_bytes),
        # A second server on the same port shall fail, not silently take half of the connections.
        ("grpc.so_reuseport", 0),
        # A window of 64 KiB: a caller that does not read costs little.
        ("grpc.http2.lookahead_bytes", 64 * 1024),
        ("grpc.http2.bdp_probe", 0),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        # Callers may keep their connections alive: else grpc ends them with too_many_pings.
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
        ("grpc.http2.max_ping_strikes", 0),
    ]
