"""A file in an object store that speaks the S3 protocol. It is uploaded in parts while it is written.

    with S3File("recordings", "call.mp3") as file, AudioWriter.open("localhost:50051", config, file) as writer:
        ...

Needs boto3: pip install 'audiowriter[s3]'.
"""

import base64
import io
import os
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, BinaryIO, Self

import boto3

from audiowriter_client.crc32c import crc32c, with_header

PART_BYTES = 8 * 1024 * 1024
"""Size of a part. An object has at most 10,000 parts: 78 GiB of this size. The store takes 5 MiB and more."""


class S3File(io.RawIOBase, BinaryIO):  # both, as FileIO is for type checkers
    """A binary file to write. It can be given to `open_audio` and to the writers.

    The first part is uploaded last, because the final header replaces its first bytes. So the file can seek, but only
    bytes of the first part can be replaced, at position 0. It holds at most two parts in memory. `write` uploads a part when
    it is full, and waits for that. The store checks the CRC-32C of each part and of the whole object.

    The object exists when the `with` block ends, or after `close`. If the block raises, the upload is aborted, and an older
    object stays as it was. Errors of the store are those of boto3.
    """

    def __init__(
        self,
        bucket: str,
        key: str,
        *,
        client: Any = None,
        part_bytes: int = PART_BYTES,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Start no request yet.

        client: a client of boto3 for S3. Default: `boto3.client("s3")`, which reads its settings from the environment.
        part_bytes: at least 5 MiB, unless the store takes less.
        options: further arguments of create_multipart_upload and put_object, such as {"ContentType": "audio/mpeg"}.
        """
        super().__init__()
        self._client = boto3.client("s3") if client is None else client
        self._object = {"Bucket": bucket, "Key": key}
        self._options = dict(options or {})
        self._part_bytes = part_bytes
        self._upload: str | None = None
        self._start_again()

    def _start_again(self) -> None:
        self._first, self._part = bytearray(), bytearray()
        self._parts: list[dict[str, Any]] = []
        self._crc = 0
        self._size = 0
        self._position = 0

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position: 0, or the end of the file."""
        position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if position not in (0, self._size):
            raise io.UnsupportedOperation(f"seek to {position}: an object can be written at 0 and at its end")
        self._position = position
        return position

    def truncate(self, size: int | None = None) -> int:
        """Remove all bytes, so that the file can be written again. Other sizes are not possible."""
        wanted = self._position if size is None else size
        if wanted != 0:
            raise io.UnsupportedOperation(f"truncate to {wanted}: an object can only start again, at 0")
        self._start_again()  # parts that were uploaded are replaced by those with the same numbers
        return 0

    def write(self, data: Any) -> int:
        """Write bytes; upload a part when it is full."""
        with memoryview(data).cast("B") as view:
            if self._position < self._size:
                self._replace(bytes(view))
            else:
                self._append(view)
            self._position += len(view)
            return len(view)

    def close(self) -> None:
        """Complete the object. Idempotent. If this fails, the upload is aborted."""
        if self.closed:
            return
        try:
            self._complete()
        except BaseException:
            self.discard()
            raise
        super().close()

    def discard(self) -> None:
        """Abort the upload; the store then has nothing of it. Does nothing after `close`."""
        if self.closed:
            return
        super().close()
        if self._upload is not None:
            self._client.abort_multipart_upload(**self._object, UploadId=self._upload)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def __del__(self) -> None:
        # That of IOBase closes, which would complete an object that nobody finished.
        with suppress(Exception):
            self.discard()

    def _replace(self, data: bytes) -> None:
        if self._position or len(data) > len(self._first):
            raise io.UnsupportedOperation(f"{len(data)} bytes at {self._position}: only the first part can be replaced")
        self._crc = with_header(self._crc, self._size, bytes(self._first[: len(data)]), data)
        self._first[: len(data)] = data

    def _append(self, data: memoryview) -> None:
        self._crc = crc32c(bytes(data), self._crc)
        self._size += len(data)
        room = self._part_bytes - len(self._first)
        self._first += data[:room]
        rest = data[room:]
        while rest:
            room = self._part_bytes - len(self._part)
            self._part += rest[:room]
            rest = rest[room:]
            if len(self._part) == self._part_bytes:
                self._upload_part(len(self._parts) + 2, self._part)
                self._part = bytearray()

    def _complete(self) -> None:
        if not self._parts and not self._part:
            self._client.put_object(
                **self._object,
                **self._options,
                Body=bytes(self._first),
                ChecksumAlgorithm="CRC32C",
                ChecksumCRC32C=_text(self._crc),
            )
            return
        if self._part:
            self._upload_part(len(self._parts) + 2, self._part)
        self._upload_part(1, self._first)
        self._client.complete_multipart_upload(
            **self._object,
            UploadId=self._upload,
            MultipartUpload={"Parts": sorted(self._parts, key=lambda part: int(part["PartNumber"]))},
            ChecksumCRC32C=_text(self._crc),
            ChecksumType="FULL_OBJECT",
        )

    def _upload_part(self, number: int, data: bytearray) -> None:
        if self._upload is None:
            created = self._client.create_multipart_upload(
                **self._object, **self._options, ChecksumAlgorithm="CRC32C", ChecksumType="FULL_OBJECT"
            )
            self._upload = created["UploadId"]
        body = bytes(data)
        checksum = _text(crc32c(body))
        uploaded = self._client.upload_part(
            **self._object, UploadId=self._upload, PartNumber=number, Body=body, ChecksumCRC32C=checksum
        )
        self._parts.append({"PartNumber": number, "ETag": uploaded["ETag"], "ChecksumCRC32C": checksum})


def _text(crc: int) -> str:
    """Return a checksum as S3 writes it."""
    return base64.b64encode(crc.to_bytes(4, "big")).decode()
