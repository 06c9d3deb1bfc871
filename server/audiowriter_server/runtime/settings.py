"""The settings of the server: a frozen dataclass that checks its values.

`audiowriter serve` has a flag for each field, such as --max-streams for `max_streams`. Without the flag, it reads the
environment variable of the same name, such as AUDIOWRITER_MAX_STREAMS.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_address
from typing import Any, cast

MIB = 1024 * 1024
GIB = 1024 * MIB

VARIABLE_PREFIX = "AUDIOWRITER_"
LOG_FORMATS = ("text", "json")
POLLERS = ("auto", "fast", "default")


MAX_INT = 2**31 - 1
"""Maximum of gRPC's options, which are C integers. Times are in milliseconds."""
MAX_AGE_S = MAX_INT // 1000


def _setting(default: Any, explanation: str, *, lowest: float = 1, highest: float = float("inf")) -> Any:
    return field(default=default, metadata={"help": explanation, "lowest": lowest, "highest": highest})


@dataclass(frozen=True)
class Settings:
    """Raises ValueError for an invalid value. The message has the setting, the value and what would be accepted."""

    host: str = _setting("127.0.0.1", "Address to listen on.")
    port: int = _setting(50051, "TCP port to listen on; 0 picks a free port.", lowest=0, highest=65535)
    insecure: bool = _setting(False, "Allow addresses other than loopback without TLS or tokens.")
    tls_cert: str = _setting("", "PEM file with the server's certificate chain; reloaded when it changes.")
    tls_key: str = _setting("", "PEM file with the private key; reloaded when it changes.")
    tls_client_ca: str = _setting("", "PEM file with the CAs of client certificates, which are then required (mTLS).")
    token_file: str = _setting("", "File with bearer tokens, one per line; reloaded when it changes.")
    reflection: bool = _setting(True, "Serve reflection (v1 and v1alpha): tools such as grpcurl need no proto file.")

    workers: int = _setting(1, "Number of processes; each additional one listens on the next port.")
    shared_port: bool = _setting(False, "Let all workers listen on the same port; the kernel distributes connections.")
    encode_threads: int = _setting(
        os.cpu_count() or 1, "Threads per process for encode calls that are too long for the event loop."
    )
    poller: str = _setting(
        "auto", "How gRPC reads sockets: default, fast (no isolation of connections), or auto: fast on loopback."
    )

    max_streams: int = _setting(
        1000, "Maximum live streams, Encode and ResolveConfig calls per process; others are refused."
    )
    max_caller_streams: int = _setting(
        0,
        "Maximum live calls per token, client certificate or address; 0: a quarter of max_streams, local callers excepted.",
        lowest=0,
    )
    max_connections: int = _setting(
        2000,
        "Maximum connections per process; others are closed. Fewer if there are not enough descriptors.",
        highest=MAX_INT,
    )
    max_connection_streams: int = _setting(
        100, "Maximum concurrent calls per connection; HTTP/2 makes others wait.", highest=MAX_INT
    )
    max_pcm_bytes: int = _setting(MIB, "Maximum PCM per message of a stream, in bytes.")
    max_message_bytes: int = _setting(
        4 * MIB, "Maximum message size in both directions, in bytes; limits the files of Encode.", highest=MAX_INT
    )
    max_metadata_bytes: int = _setting(8 * 1024, "Maximum request metadata per call, in bytes.", highest=MIB)
    max_memory_bytes: int = _setting(
        0,
        "Memory of all workers together, in bytes; calls that may not fit are refused; 0: 80 % of the container's or the "
        "machine's.",
        lowest=0,
    )
    max_sample_rate_hz: int = _setting(
        192_000, "Maximum sample rate of input and output, in Hz; 0: only the formats' limits.", lowest=0
    )
    max_channels: int = _setting(8, "Maximum channels of input and output; 0: only the formats' limits.", lowest=0)
    max_rate_ratio: float = _setting(
        24.0, "Maximum ratio of the output's sample rate to the input's; it limits the output per byte of input."
    )
    max_stream_seconds: float = _setting(24 * 3600.0, "Maximum audio per stream, in seconds.")
    max_file_bytes: int = _setting(64 * GIB, "Maximum file size per stream, in bytes.")

    first_message_timeout: float = _setting(10.0, "Seconds that a client has to send the first message of a stream.")
    idle_timeout: float = _setting(60.0, "Maximum seconds without audio in a stream.")
    min_audio_rate: float = _setting(
        0.01,
        "Minimum seconds of audio per second, over idle_timeout; a flush of new audio is enough, too.",
        lowest=0,
        highest=1,
    )
    stalled_reader_timeout: float = _setting(30.0, "Seconds that a client has to read a response.")
    drain_timeout: float = _setting(5.0, "Seconds that live streams have to finish after SIGTERM.", lowest=0)
    max_connection_age: float = _setting(
        1800.0, "Seconds after which a connection accepts no new calls.", highest=MAX_AGE_S
    )
    max_connection_age_grace: float = _setting(
        24 * 3600.0, "Seconds that live calls on such a connection have to finish.", highest=MAX_AGE_S
    )

    log_format: str = _setting("text", "Format of the log on stderr: text or json.")
    metrics_host: str = _setting("127.0.0.1", "Address to serve Prometheus metrics on.")
    metrics_port: int = _setting(0, "TCP port to serve Prometheus metrics on; 0: none.", lowest=0, highest=65535)
    tracing: bool = _setting(False, "Export OpenTelemetry spans over OTLP/HTTP, configured by the OTEL_ variables.")

    def __post_init__(self) -> None:
        for setting in fields(self):
            value = getattr(self, setting.name)
            lowest, highest = setting.metadata["lowest"], setting.metadata["highest"]
            if isinstance(value, (int, float)) and not isinstance(value, bool) and not lowest <= value <= highest:
                takes = f"{lowest} or more" if highest == float("inf") else f"{lowest} to {highest}"
                raise ValueError(f"{setting.name}={value}: takes {takes}")
        if self.port + self.workers - 1 > 65535 and not self.shared_port:
            raise ValueError(f"workers={self.workers}: takes 1 to {65536 - self.port} with port={self.port}")
        if self.shared_port and not self.port:
            raise ValueError("port=0: takes another port with shared_port")
        if self.log_format not in LOG_FORMATS:
            raise ValueError(f"log_format={self.log_format}: takes {' or '.join(LOG_FORMATS)}")
        if self.poller not in POLLERS:
            raise ValueError(f"poller={self.poller}: takes auto, fast or default")
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ValueError("tls_cert and tls_key: set both or neither")
        if self.tls_client_ca and not self.tls_cert:
            raise ValueError("tls_client_ca: set tls_cert and tls_key, too")
        if not (self.insecure or self.tls_cert or self.token_file or self.is_local):
            raise ValueError(f"host={self.host}: not a loopback address: set tls_cert, token_file or insecure, too")

    @property
    def is_local(self) -> bool:
        """Whether the server listens on loopback only."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @classmethod
    def from_variables(cls, variables: Mapping[str, str]) -> "Settings":
        """Return the settings that `as_variables` has turned into environment variables."""
        values: dict[str, Any] = {}
        for setting in fields(cls):
            text, kind = variables[VARIABLE_PREFIX + setting.name.upper()], cast(type, setting.type)
            values[setting.name] = text == "True" if kind is bool else kind(text)
        return cls(**values)

    def as_variables(self) -> dict[str, str]:
        """Return the settings as environment variables. They contain no secrets, only the names of files."""
        values = {setting.name: getattr(self, setting.name) for setting in fields(self)}
        return {VARIABLE_PREFIX + name.upper(): str(value) for name, value in values.items()}
