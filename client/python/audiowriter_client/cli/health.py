"""`audiowriter health`."""

from pathlib import Path

import click
import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from audiowriter_client.connection import connect

_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option(
    "--target",
    metavar="HOST:PORT",
    default="127.0.0.1:50051",
    show_default=True,
    envvar="AUDIOWRITER_TARGET",
    help="Server to ask.",
)
@click.option("--service", default="", help='What to ask for: "" or liveness.')
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), default=3.0, show_default=True, help="Seconds.")
@click.option("--tls-ca", type=_file, help="Use TLS, and trust these authorities.")
@click.option("--tls-cert", type=_file, help="Certificate to show to a server that asks for one.")
@click.option("--tls-key", type=_file, help="Its private key.")
def health(
    target: str, service: str, timeout: float, tls_ca: Path | None, tls_cert: Path | None, tls_key: Path | None
) -> None:
    """Ask a server whether it takes streams; exit with 0 if so, else with 1."""
    if bool(tls_cert) != bool(tls_key) or (tls_cert and not tls_ca):
        raise click.UsageError("--tls-cert and --tls-key go together, and with --tls-ca")
    credentials = None
    if tls_ca is not None:
        key = tls_key.read_bytes() if tls_key else None
        credentials = grpc.ssl_channel_credentials(
            tls_ca.read_bytes(), key, tls_cert.read_bytes() if tls_cert else None
        )
    with connect(target, credentials) as channel:
        request = health_pb2.HealthCheckRequest(service=service)
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=timeout)
        except grpc.RpcError as error:
            raise click.ClickException(f"{target}: {error.code().name}: {error.details()}") from error
    status = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        raise click.ClickException(f"{target}: {status}")
    click.echo(f"{target}: {status}")
