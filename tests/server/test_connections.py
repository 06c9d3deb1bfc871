"""How many connections a server takes: gRPC's and those of the metrics endpoint."""

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import grpc
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_server.telemetry.endpoint import MAX_CONNECTIONS
from grpc_health.v1 import health_pb2, health_pb2_grpc
from support.metrics import Metrics
from support.server import FRAME, LIMIT_S, ServerProcess, Stream, channel_to, poll

GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
FEW_DESCRIPTORS = (
    "-c",
    "import resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128));"
    "from audiowriter_server.__main__ import main; sys.exit(main())",
)


@contextmanager
def connections(target: str, count: int) -> Iterator[list[socket.socket]]:
    """Connections that say nothing after the greeting."""
    host, _, port = target.rpartition(":")
    with ExitStack() as stack:
        opened = []
        for _ in range(count):
            connection = stack.enter_context(socket.create_connection((host, int(port)), timeout=LIMIT_S))
            connection.sendall(GREETING)
            opened.append(connection)
        yield opened


def is_closed(connection: socket.socket) -> bool:
    """Read the server's greeting, if it sends one, and what follows within 0.2 s."""
    connection.settimeout(0.2)
    try:
        while connection.recv(4096):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        pass
    return True


def is_ready(channel: grpc.Channel) -> bool:
    answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=LIMIT_S)
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def check_full(server: ServerProcess, count: int) -> None:
    """Fill the server with connections: others are closed, and a stream that was there before goes on."""
    with channel_to(server) as channel:
        stream = Stream(channel).start()
        assert is_ready(channel)
        with connections(server.target, count) as opened:
            server.wait_for_line("no space for new connections")
            poll(lambda: not is_ready(channel), "the server is full and ready")
            closed = [is_closed(connection) for connection in opened]
            assert not closed[0]
            assert closed[-1]
            stream.send(pb.EncodeStreamRequest(pcm=FRAME))
        poll(lambda: is_ready(channel), "the server has space and is not ready")
        with channel_to(server) as new:
            Stream(new).start().finish()
        assert stream.finish().file_bytes == len(FRAME)
    lines = [line for line in server.log if str(line["message"]).startswith("no space for new connections")]
    assert len(lines) == 1


def test_connections_beyond_the_limit_are_closed() -> None:
    with ServerProcess("--max-connections=5") as server:
        check_full(server, 8)


def test_server_with_few_descriptors_takes_fewer_connections() -> None:
    with ServerProcess(program=FEW_DESCRIPTORS) as server:
        check_full(server, 150)
        assert server.descriptor_count() < 128


def test_server_raises_its_limit_of_descriptors() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    low = f"import resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (128, {hard}));"
    program = ("-c", low + "from audiowriter_server.__main__ import main; sys.exit(main())")
    with ServerProcess(program=program) as server:
        assert resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE) == (hard, hard)


def ended(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:  # the server had not read all that was sent
        return True


def test_silent_metrics_connections_take_no_threads_and_keep_nobody_away() -> None:
    metrics = Metrics()
    with ServerProcess(metrics.flag) as server:
        assert metrics.value("audiowriter_max_streams") == 1000
        before = server.thread_count()
        with ExitStack() as stack:
            silent = [
                stack.enter_context(socket.create_connection(("127.0.0.1", metrics.port), timeout=LIMIT_S))
                for _ in range(3 * MAX_CONNECTIONS)
            ]
            for connection in silent[1::2]:
                connection.sendall(b"GET /metrics HTTP/1.1\r\n")
            assert metrics.value("audiowriter_max_streams") == 1000
            assert server.thread_count() - before < MAX_CONNECTIONS
            assert all(ended(connection) for connection in silent)


def test_metrics_endpoint_answers_only_what_it_understands() -> None:
    metrics = Metrics()
    with ServerProcess(metrics.flag):
        for request, answer in (
            (b"GET /metrics HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n"),
            (b"GET /metrics HTTP/1.1\r\nAccept: text/plain; version=a.b\r\n\r\n", b"HTTP/1.1 200 OK\r\n"),
            (b"GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text\r\n\r\n", b"HTTP/1.1 200 OK\r\n"),
            (b"HEAD /metrics HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n"),
            (b"POST /metrics HTTP/1.1\r\n\r\n", b"HTTP/1.1 405 "),
            (b"GET /" + 20_000 * b"a", b""),
            (b"\0\xff\r\n\r\n", b"HTTP/1.1 405 "),
        ):
            with socket.create_connection(("127.0.0.1", metrics.port), timeout=LIMIT_S) as connection:
                connection.sendall(request)
                try:
                    received = connection.recv(65536)
                except ConnectionError:
                    received = b""
            assert received.startswith(answer), request[:40]
            assert bool(received) == bool(answer), request[:40]
        assert metrics.value("audiowriter_max_streams") == 1000
