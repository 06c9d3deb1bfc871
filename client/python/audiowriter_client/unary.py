"""The calls that don't stream."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import grpc
from audiowriter.v1.audio_writer_pb2 import EncodeRequest, FormatInfo, ListFormatsRequest, StreamConfig

from audiowriter_client.connection import Metadata, connect, service
from audiowriter_client.errors import call_failed
from audiowriter_client.pcm import Pcm, PcmLayout
from audiowriter_client.stream import check_file


def encode(
    target: str | grpc.Channel,
    config: StreamConfig,
    pcm: Pcm,
    *,
    credentials: grpc.ChannelCredentials | None = None,
    metadata: Metadata = (),
) -> bytes:
    """Encode short audio in one call and return the file.

    PCM and file are bounded by the server's message limit, 4 MiB by default: take AudioWriter for more. `target`,
    `credentials` and `metadata` are as for AudioWriter.open, `pcm` as for AudioWriter.write. Raises AudioWriterError.
    """
    request = EncodeRequest(config=config, pcm=bytes(PcmLayout(config.input).to_bytes(pcm)))
    with _service(target, credentials) as stub:
        response = stub.Encode(request, metadata=metadata)
    file: bytes = response.file
    check_file(response.finished, len(file), hashlib.sha256(file).digest())
    return file


def list_formats(
    target: str | grpc.Channel, *, credentials: grpc.ChannelCredentials | None = None, metadata: Metadata = ()
) -> Sequence[FormatInfo]:
    """Ask what the server can write. Raises AudioWriterError."""
    with _service(target, credentials) as stub:
        formats: Sequence[FormatInfo] = stub.ListFormats(ListFormatsRequest(), metadata=metadata).formats
    return formats


@contextmanager
def _service(target: str | grpc.Channel, credentials: grpc.ChannelCredentials | None) -> Iterator[Any]:
    with connect(target, credentials) as channel:
        try:
            yield service(channel)
        except grpc.RpcError as error:
            raise call_failed(error) from error
