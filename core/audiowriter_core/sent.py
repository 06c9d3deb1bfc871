"""Length and checksums of the bytes that a stream has returned."""

from hashlib import sha256

from .crc32c import crc32c, with_header


class SentBytes:
    """Counts the bytes of a file in the order in which they are returned: the chunks, then the trailer."""

    def __init__(self) -> None:
        self.length = 0
        self.hash_offset = 0
        """Position of the first byte that the hash includes."""
        self._hash = sha256()
        self._crc32c = 0
        self.first = b""
        """The first bytes, at least as many as the final header replaces."""

    def expect_header(self, provisional: bytes) -> None:
        """Set the provisional header, which is the first chunk. The final one is not longer."""
        self.first = provisional

    def add(self, data: bytes) -> None:
        """Count the next bytes."""
        self._hash.update(data)
        self._crc32c = crc32c(data, self._crc32c)
        self.length += len(data)

    def go_on(self, offset: int, crc32c: int) -> None:
        """Count the next bytes as those that follow `offset` others with this CRC. Their hash begins with them."""
        self.length = self.hash_offset = offset
        self._hash, self._crc32c = sha256(), crc32c

    def sha256(self) -> bytes:
        """Return the SHA-256 of the bytes as they were returned."""
        return self._hash.digest()

    def file_crc32c(self, header: bytes) -> int:
        """Return the CRC-32C of the file whose first bytes are replaced by `header`."""
        return with_header(self._crc32c, self.length, self.first, header)
