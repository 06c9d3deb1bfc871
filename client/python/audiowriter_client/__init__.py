"""Client library and command for the audiowriter service.

    config = stream_config(format="mp3", sample_rate_hz=24000)
    with AudioWriter.open("localhost:50051", config, "speech.mp3") as writer:
        for block in speech:
            writer.write(block)

`encode` encodes short audio in one call. `encode_iter` returns an iterator over the file's bytes, for web frameworks:

    return StreamingResponse(async_encode_iter("localhost:50051", config, speech), media_type="audio/mpeg")

`AsyncAudioWriter`, `async_encode_iter` and the other names that begin with `async` are the same for asyncio. The messages
for configs and results are in `audiowriter.v1.audio_writer_pb2`.
"""

from audiowriter_client.aio import AsyncAudioWriter
from audiowriter_client.aio_pull import AsyncFileIterator, async_encode_iter
from audiowriter_client.config import stream_config
from audiowriter_client.errors import (
    AudioWriterError,
    CallFailed,
    DeadlineExceeded,
    InvalidArgument,
    LimitExceeded,
    ServiceUnavailable,
    StreamCancelled,
    TruncatedStream,
    Violation,
)
from audiowriter_client.pull import FileIterator, encode_iter
from audiowriter_client.sink import Sink
from audiowriter_client.unary import (
    async_encode,
    async_get_server_info,
    async_list_formats,
    async_resolve_config,
    encode,
    get_server_info,
    list_formats,
    resolve_config,
)
from audiowriter_client.writer import AudioWriter

__all__ = [
    "AsyncAudioWriter",
    "AsyncFileIterator",
    "AudioWriter",
    "AudioWriterError",
    "CallFailed",
    "DeadlineExceeded",
    "FileIterator",
    "InvalidArgument",
    "LimitExceeded",
    "ServiceUnavailable",
    "Sink",
    "StreamCancelled",
    "TruncatedStream",
    "Violation",
    "async_encode",
    "async_encode_iter",
    "async_get_server_info",
    "async_list_formats",
    "async_resolve_config",
    "encode",
    "encode_iter",
    "get_server_info",
    "list_formats",
    "resolve_config",
    "stream_config",
]

__version__ = "0.1.0"
