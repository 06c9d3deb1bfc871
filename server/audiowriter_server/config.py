"""Every setting of the server: one frozen dataclass, checked when it is made.

`audiowriter serve` has a flag for each field (`max_streams`: --max-streams) and reads the variable of the same name
(AUDIOWRITER_MAX_STREAMS) where the flag is not given.
"""

import os
from dataclasses import dataclass, field, fields
from typing import Any

MIB = 1024 * 1024


def _setting(default: Any, explanation: str) -> Any:
    return field(default=default, metadata={"help": explanation})


@dataclass(frozen=True)
class Settings:
    """Raises ValueError for a value out of range, naming the setting, the value and what would do."""

    host: str = _setting("127.0.0.1", "Address to listen on.")
    port: int = _setting(50051, "TCP port to listen on; 0 picks a free one.")
    max_streams: int = _setting(1000, "Live streams and Encode calls in this process; more are refused.")
    max_connection_streams: int = _setting(100, "Concurrent calls on one connection; HTTP/2 holds back more.")
    max_pcm_bytes: int = _setting(MIB, "Most PCM in one message of a stream, in bytes.")
    max_message_bytes: int = _setting(4 * MIB, "Largest message either way, in bytes; bounds Encode.")
    max_stream_seconds: float = _setting(24 * 3600.0, "Longest audio of one stream, in seconds.")
    first_message_timeout: float = _setting(10.0, "Seconds a new stream may wait with its first message.")
    idle_timeout: float = _setting(60.0, "Seconds a stream may go without a message.")
    stalled_reader_timeout: float = _setting(30.0, "Seconds a caller may leave a response unread.")
    drain_timeout: float = _setting(30.0, "Seconds that live streams have to finish after SIGTERM.")
    encode_threads: int = _setting(os.cpu_count() or 1, "Threads for encode calls too long for the event loop.")
    reflection: bool = _setting(True, "Serve gRPC reflection, so that grpcurl and its like need no proto file.")

    def __post_init__(self) -> None:
        for setting in fields(self):
            value = getattr(self, setting.name)
            lowest = 0 if setting.name in ("port", "drain_timeout") else 1
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                continue
            if value < lowest:
                raise ValueError(f"{setting.name}={value}: takes {lowest} or more")
        if self.port > 65535:
            raise ValueError(f"port={self.port}: takes 0 to 65535")
