"""`audiowriter health`."""

import click
import grpc
from audiowriter_client.connection import connect
from grpc_health.v1 import health_pb2, health_pb2_grpc

from audiowriter_cli.server import Server, server_options

_LOCAL = Server("127.0.0.1:50051", None, [])


@click.command()
@server_options
@click.option("--service", default="", help='Service to check: "" or liveness.')
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), default=3.0, show_default=True, help="Seconds.")
def health(server: Server | None, service: str, timeout: float) -> None:
    """Check whether a server, by default the one on this host, accepts streams; exit with 0 if so, otherwise with 1."""
    server = server or _LOCAL
    with connect(server.target, server.credentials) as channel:
        request = health_pb2.HealthCheckRequest(service=service)
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=timeout, metadata=server.metadata)
        except grpc.RpcError as error:
            raise click.ClickException(f"{server.target}: {error.code().name}: {error.details()}") from error
    status = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        raise click.ClickException(f"{server.target}: {status}")
    click.echo(f"{server.target}: {status}")
