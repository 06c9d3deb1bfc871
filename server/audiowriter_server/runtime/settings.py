"""Every setting of the server: one frozen dataclass, checked when it is made.

`audiowriter serve` has a flag for each field (`max_streams`: --max-streams) and reads the variable of the same name
(AUDIOWRITER_MAX_STREAMS) where the flag is not given.
"""

import os
from dataclasses import dataclass, field, fields
from ipaddress import ip_address
from typing import Any

MIB = 1024 * 1024
GIB = 1024 * MIB

VARIABLE_PREFIX = "AUDIOWRITER_"
LOG_FORMATS = ("text", "json")


MAX_INT = 2**31 - 1
"""gRPC's options are C integers, of milliseconds where they are times."""
MAX_AGE_S = MAX_INT // 1000


def _setting(default: Any, explanation: str, *, lowest: float = 1, highest: float = float("inf")) -> Any:
    return field(default=default, metadata={"help": explanation, "lowest": lowest, "highest": highest})


@dataclass(frozen=True)
class Settings:
    """Raises ValueError for a value out of range, naming the setting, the value and what would do."""

    host: str = _setting("127.0.0.1", "Address to listen on.")
    port: int = _setting(50051, "TCP port to listen on; 0 picks a free one.", lowest=0, highest=65535)
    insecure: bool = _setting(False, "Listen beyond loopback with neither TLS nor tokens.")
    tls_cert: str = _setting("", "PEM file of the server's certificate chain; read again when it changes.")
    tls_key: str = _setting("", "PEM file of its private key; read again when it changes.")
    tls_client_ca: str = _setting("", "PEM file of the authorities that callers' certificates must come from (mTLS).")
    token_file: str = _setting("", "File of bearer tokens, one a line; read again when it changes.")
    reflection: bool = _setting(True, "Serve gRPC reflection, so that grpcurl and its like need no proto file.")

    workers: int = _setting(1, "Processes; the first listens on the port, the others on the ports after it.")
    shared_port: bool = _setting(False, "Let all workers listen on one port; the kernel spreads connections.")
    encode_threads: int = _setting(os.cpu_count() or 1, "Threads for encode calls too long for the event loop.")

    max_streams: int = _setting(1000, "Live EncodeStream and Encode calls in a process; more are refused.")
    max_connection_streams: int = _setting(
        100, "Concurrent calls on one connection; HTTP/2 holds back more.", highest=MAX_INT
    )
    max_pcm_bytes: int = _setting(MIB, "Most PCM in one message of a stream, in bytes.")
    max_message_bytes: int = _setting(4 * MIB, "Largest message either way, in bytes; bounds Encode.", highest=MAX_INT)
    max_metadata_bytes: int = _setting(8 * 1024, "Most request metadata of a call, in bytes.", highest=MIB)
    max_sample_rate_hz: int = _setting(0, "Highest sample rate in or out, in Hz; 0: any that formats take.", lowest=0)
    max_channels: int = _setting(0, "Most channels in or out; 0: any that formats take.", lowest=0)
    max_stream_seconds: float = _setting(24 * 3600.0, "Longest audio of one stream, in seconds.")
    max_file_bytes: int = _setting(64 * GIB, "Longest file of one stream, in bytes.")

    first_message_timeout: float = _setting(10.0, "Seconds a new stream may wait with its first message.")
    idle_timeout: float = _setting(60.0, "Seconds a stream may go without a message.")
    stalled_reader_timeout: float = _setting(30.0, "Seconds a caller may leave a response unread.")
    drain_timeout: float = _setting(30.0, "Seconds that live streams have to finish after SIGTERM.", lowest=0)
    max_connection_age: float = _setting(
        1800.0, "Seconds after which a connection takes no new calls.", highest=MAX_AGE_S
    )
    max_connection_age_grace: float = _setting(
        24 * 3600.0, "Seconds that its live streams have left to finish.", highest=MAX_AGE_S
    )

    log_format: str = _setting("text", "Form of the log on stderr: text or json.")
    metrics_host: str = _setting("127.0.0.1", "Address to serve Prometheus metrics on.")
    metrics_port: int = _setting(0, "TCP port to serve Prometheus metrics on; 0 serves none.", lowest=0, highest=65535)
    tracing: bool = _setting(False, "Export OpenTelemetry spans over OTLP/HTTP, as the OTEL_ variables say.")

    def __post_init__(self) -> None:
        for setting in fields(self):
            value = getattr(self, setting.name)
            lowest, highest = setting.metadata["lowest"], setting.metadata["highest"]
            if isinstance(value, (int, float)) and not isinstance(value, bool) and not lowest <= value <= highest:
                takes = f"{lowest} or more" if highest == float("inf") else f"{lowest} to {highest}"
                raise ValueError(f"{setting.name}={value}: takes {takes}")
        if self.port + self.workers - 1 > 65535 and not self.shared_port:
            raise ValueError(f"workers={self.workers}: ports from {self.port} on end at 65535")
        if self.shared_port and not self.port:
            raise ValueError("shared_port=True: takes a port other than 0")
        if self.log_format not in LOG_FORMATS:
            raise ValueError(f"log_format={self.log_format}: takes {' or '.join(LOG_FORMATS)}")
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ValueError("tls_cert and tls_key: takes both or neither")
        if self.tls_client_ca and not self.tls_cert:
            raise ValueError("tls_client_ca: takes tls_cert and tls_key as well")
        if not (self.insecure or self.tls_cert or self.token_file or _is_loopback(self.host)):
            raise ValueError(f"host={self.host}: not loopback: takes tls_cert, token_file or insecure as well")

    def as_variables(self) -> dict[str, str]:
        """The settings as the environment variables that make them. Nothing secret: files are named, not read."""
        values = {setting.name: getattr(self, setting.name) for setting in fields(self)}
        return {VARIABLE_PREFIX + name.upper(): str(value) for name, value in values.items()}


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
