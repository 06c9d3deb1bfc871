"""Length and checksums of the bytes that were received, to verify that none is missing or wrong."""

import hashlib

from audiowriter.v1.audio_writer_pb2 import EncodedChunk, ResumePoint, StreamFinished, Totals

from audiowriter_client.crc32c import crc32c, with_header
from audiowriter_client.errors import TruncatedStream


class ReceivedBytes:
    """The bytes of one file, received in one call or in several."""

    def __init__(self) -> None:
        self.length = 0
        self._sha256 = hashlib.sha256()
        self._crc32c = 0
        self._first_chunk = b""  # the final header replaces bytes of this chunk only
        self._output_samples = 0  # of the last chunk
        self._resumed_at = 0
        self._resumed_sha256 = hashlib.sha256()  # of the bytes from there on

    def add_chunk(self, chunk: EncodedChunk) -> bytes:
        """Count a chunk, and return its bytes. Raises TruncatedStream if it is not the next one."""
        if chunk.offset != self.length:
            raise TruncatedStream(f"received a chunk at offset {chunk.offset}, expected {self.length}")
        self._output_samples = chunk.output_samples
        return self.add(chunk.data)

    def add(self, data: bytes) -> bytes:
        """Count the next bytes, and return them."""
        if not self.length:
            self._first_chunk = data
        self.length += len(data)
        self._sha256.update(data)
        if self._resumed_at:
            self._resumed_sha256.update(data)
        self._crc32c = crc32c(data, self._crc32c)
        return data

    def resume(self, serial: int) -> ResumePoint:
        """Return what another call has to go on with. `serial`: that of the stream."""
        if not self.length:
            return ResumePoint()
        self._resumed_at, self._resumed_sha256 = self.length, hashlib.sha256()
        return ResumePoint(
            offset=self.length,
            sha256=self._sha256.digest(),
            serial=serial,
            output_samples=self._output_samples,
            crc32c=self._crc32c,
            first_crc32c=crc32c(self._first_chunk),
        )

    def check(self, finished: StreamFinished) -> None:
        """Raise TruncatedStream if the file is incomplete or wrong.

        The totals of a server that has gone on with other packets than those of an earlier call lack the hash of these. It
        is added.
        """
        header, totals, first = finished.header, finished.totals, self._first_chunk
        if len(header) > len(first):
            raise TruncatedStream(f"the header has {len(header)} bytes, but the first chunk has {len(first)}")
        is_joined = totals.sent_sha256_offset > 0 and totals.sent_sha256_offset == self._resumed_at
        sha256 = self._resumed_sha256 if is_joined else self._sha256
        crc = with_header(self._crc32c, self.length, first, header)
        check_file(totals, self.length, sha256.digest(), crc)
        totals.sent_sha256, totals.sent_sha256_offset = self._sha256.digest(), 0


def check_file(totals: Totals, length: int, sent_sha256: bytes, file_crc32c: int) -> None:
    """Raise TruncatedStream if the received bytes do not match `totals`. `file_crc32c`: with the header in place."""
    if length != totals.file_bytes:
        raise TruncatedStream(f"received {length} bytes, expected {totals.file_bytes}")
    if sent_sha256 != totals.sent_sha256:
        raise TruncatedStream("the SHA-256 of the received bytes does not match")
    if file_crc32c != totals.file_crc32c:
        raise TruncatedStream("the CRC-32C of the file does not match")
