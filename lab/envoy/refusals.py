"""Checks that Envoy passes refusals on to clients, and that Envoy's own limits are not reached first."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from support.names import Names
from support.server import Error, ServerProcess, Stream, channel_to, poll

from lab.envoy.envoy import Envoy, free_ports, one_server

IDLE_S = 3.0
ADDRESSES = ("127.0.0.2", "127.0.0.3")
STREAMS = 20
SERVICE = "audiowriter.v1.AudioWriterService"
EXPECTED = {
    "a full server": "UNAVAILABLE (MAX_STREAMS_EXCEEDED), retry after 1 s",
    "an idle client": "ABORTED (IDLE_TIMEOUT_EXCEEDED)",
    "no server": "UNAVAILABLE: no healthy upstream",
    "streams with one of two servers full": f"{STREAMS} accepted",
    "streams with one of two servers stopping": f"{STREAMS} accepted",
}


def run() -> bool:
    """Provoke each refusal and print it. Return whether all are as expected."""
    outcomes: dict[str, str] = {}
    with one_server("--max-streams=1", f"--idle-timeout={IDLE_S}") as (server, envoy):
        with channel_to(envoy.target) as channel:
            silent = Stream(channel).start()
            outcomes["a full server"] = _words(Stream(channel).error())
            outcomes["an idle client"] = _words(silent.error())
        server.signal()
        envoy.wait_until_healthy()
        with channel_to(envoy.target) as channel:
            outcomes["no server"] = _words(Stream(channel).error())
    (port,) = free_ports(1)
    with (
        ServerProcess(f"--host={ADDRESSES[0]}", f"--port={port}", "--idle-timeout=600", "--max-streams=1") as full,
        channel_to(full) as direct,
    ):
        held = Stream(direct).start()
        outcomes["streams with one of two servers full"] = _beside(full.target)
        held.call.cancel()
        held.half_close()
    with _stopping(f"{ADDRESSES[0]}:{port}") as target:
        outcomes["streams with one of two servers stopping"] = _beside(target)
    for what, words in outcomes.items():
        print(f"{what}: {words}")
    expected = all(words.startswith(EXPECTED[what]) for what, words in outcomes.items())
    return expected and outcomes.keys() == EXPECTED.keys()


def _too_late(_: object, context: grpc.ServicerContext) -> Iterator[bytes]:
    """Answer a stream as gRPC's server answers those that arrive while it stops."""
    context.abort(grpc.StatusCode.CANCELLED, "CANCELLED")


@contextmanager
def _stopping(target: str) -> Iterator[str]:
    """Start a server that is always at the end of its drain, before Envoy's next health check."""
    server = grpc.server(ThreadPoolExecutor(4))
    handlers: dict[str, Any] = {"EncodeStream": grpc.stream_stream_rpc_method_handler(_too_late)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    servicer = health.HealthServicer()
    servicer.set(SERVICE, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    server.add_insecure_port(target)
    server.start()
    try:
        yield target
    finally:
        server.stop(None).wait()


def _beside(target: str) -> str:
    """Open streams at once with an empty server beside the one at `target`; only Envoy retries."""
    port = target.rpartition(":")[2]
    with (
        ServerProcess(f"--host={ADDRESSES[1]}", f"--port={port}", "--idle-timeout=600") as empty,
        Names(ADDRESSES) as names,
        Envoy(names, int(port)) as envoy,
    ):
        envoy.wait_until_healthy(target, empty.target)
        taken = 0
        with channel_to(envoy.target) as channel:
            streams = [Stream(channel) for _ in range(STREAMS)]
            for stream in streams:
                try:
                    stream.start().finish()
                    taken += 1
                except grpc.RpcError as error:
                    print(f"  refused: {_words(Error(error))}")
        poll(lambda: len(envoy.calls) >= STREAMS, "the access log does not contain all streams")
        again = sum(int(call["attempts"]) > 1 for call in envoy.calls)
    return f"{taken} accepted, {again} of them in a later attempt"


def _words(error: Error) -> str:
    words = f"{error.code.name} ({error.info.reason})" if error.info.reason else f"{error.code.name}: {error.text}"
    retry_s = error.retry.retry_delay.ToMilliseconds() / 1000
    return f"{words}, retry after {retry_s:g} s" if retry_s else words
