"""S3File against a server of S3: with the client, in process, and alone."""

import base64
import io
import os
from collections.abc import Iterator
from typing import Any

import boto3
import google_crc32c
import numpy as np
import pytest
from audiowriter_client import AudioWriter, stream_config
from audiowriter_client.s3 import S3File
from audiowriter_core import open_audio
from audiowriter_server.runtime.embedded import EmbeddedServer
from audiowriter_server.runtime.settings import Settings
from moto.server import ThreadedMotoServer

PART = 5 * 1024 * 1024
BUCKET = "recordings"
DATA = np.random.default_rng(1).integers(0, 256, 3 * PART + 1000, np.uint8).tobytes()


@pytest.fixture(scope="module")
def store() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        client = boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        for call in ("PutObject", "CompleteMultipartUpload"):
            client.meta.events.register(f"provide-client-params.s3.{call}", remember)
        yield client
        server.stop()


sent_checksums: dict[str, str] = {}
"""The CRC-32C of each object, as the store received it at the end of the upload."""


def remember(params: dict[str, Any], **_: Any) -> None:
    sent_checksums[params["Key"]] = params["ChecksumCRC32C"]


def content(store: Any, key: str) -> bytes:
    """Return an object; its checksum must be right."""
    data: bytes = store.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    assert sent_checksums[key] == base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()
    return data


def nothing_is_left(store: Any, key: str) -> bool:
    objects = store.list_objects_v2(Bucket=BUCKET, Prefix=key)["KeyCount"]
    return objects == 0 and not store.list_multipart_uploads(Bucket=BUCKET).get("Uploads")


@pytest.mark.parametrize("size", [0, 1, 1000, PART - 1, PART, PART + 1, 2 * PART, len(DATA)])
@pytest.mark.parametrize("cut", [PART // 3, 4 * PART], ids=["in pieces", "at once"])
def test_an_object_has_the_bytes_and_the_replaced_start(store: Any, size: int, cut: int) -> None:
    header = b"HEADER"[:size]
    with S3File(BUCKET, "file", client=store, part_bytes=PART, options={"ContentType": "audio/wav"}) as file:
        for start in range(0, size, cut):
            file.write(DATA[start : min(size, start + cut)])
        file.seek(0)
        file.write(header)
        assert file.seek(0, os.SEEK_END) == size
    assert content(store, "file") == header + DATA[len(header) : size]
    assert store.head_object(Bucket=BUCKET, Key="file")["ContentType"] == "audio/wav"


def test_at_most_two_parts_are_in_memory(store: Any) -> None:
    with S3File(BUCKET, "memory", client=store, part_bytes=PART) as file:
        for start in range(0, len(DATA), 100_000):
            file.write(DATA[start : start + 100_000])
            assert len(file._first) + len(file._part) <= 2 * PART


@pytest.mark.parametrize("size", [1000, len(DATA)])
def test_nothing_is_left_of_a_file_that_failed(store: Any, size: int) -> None:
    with pytest.raises(KeyError), S3File(BUCKET, "failed", client=store, part_bytes=PART) as file:
        file.write(DATA[:size])
        raise KeyError
    assert nothing_is_left(store, "failed")


def test_nothing_is_left_of_a_file_that_was_forgotten(store: Any) -> None:
    S3File(BUCKET, "forgotten", client=store, part_bytes=PART).write(DATA)
    assert nothing_is_left(store, "forgotten")


def test_a_file_can_be_written_again(store: Any) -> None:
    with S3File(BUCKET, "again", client=store, part_bytes=PART) as file:
        file.write(DATA)
        assert file.truncate(0) == 0
        file.write(DATA[::-1][: 2 * PART + 5])
    assert content(store, "again") == DATA[::-1][: 2 * PART + 5]


def test_other_places_cannot_be_written(store: Any) -> None:
    with S3File(BUCKET, "places", client=store, part_bytes=PART) as file:
        file.write(DATA)
        with pytest.raises(io.UnsupportedOperation, match="seek to 7"):
            file.seek(7)
        with pytest.raises(io.UnsupportedOperation, match="truncate to 7"):
            file.truncate(7)
        file.seek(0)
        with pytest.raises(io.UnsupportedOperation, match="only the first part"):
            file.write(DATA[: PART + 1])
        file.seek(0, os.SEEK_END)


@pytest.mark.parametrize("name", ["wav", "flac", "mp3", "m4a"])
def test_a_recording_is_the_same_as_on_a_disk(store: Any, name: str) -> None:
    pcm = np.frombuffer(DATA, "<i2")
    disk = io.BytesIO()
    options: dict[str, Any] = {"format": name, "sample_rate_hz": 48_000}
    with open_audio(disk, **options) as audio:
        audio.write(pcm)
    with S3File(BUCKET, f"core.{name}", client=store, part_bytes=PART) as file, open_audio(file, **options) as audio:
        audio.write(pcm)
    assert content(store, f"core.{name}") == disk.getvalue()
    with (
        EmbeddedServer(Settings()) as server,
        S3File(BUCKET, f"client.{name}", client=store, part_bytes=PART) as file,
        AudioWriter.open(server.target, stream_config(**options), file) as writer,
    ):
        for block in np.array_split(pcm, 100):
            writer.write(block)
    assert content(store, f"client.{name}") == disk.getvalue()
