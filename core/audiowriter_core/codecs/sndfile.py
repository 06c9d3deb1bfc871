"""libsndfile as a streaming encoder. Returns bytes as soon as they are written, and records later changes to the header."""

from typing import Any

import soundfile

from ..audio.sample_types import Samples
from ..errors import EncodeError

HEAD_BYTES = 42
"""Length of the header that may change later: FLAC's marker and STREAMINFO. libsndfile changes no bytes after them."""


class SndfileWriter:
    """One libsndfile encoder that writes to memory. It only appends, except for changes to the first HEAD_BYTES bytes."""

    def __init__(self, file_format: str, subtype: str, sample_rate: int, channels: int, level: float) -> None:
        """`level`: libsndfile's compression level, 0 (largest file) to 1 (smallest)."""
        self._sink = _Sink()
        try:
            self._file: Any = soundfile.SoundFile(
                self._sink, "w", sample_rate, channels, subtype, format=file_format, compression_level=level
            )
        except (soundfile.SoundFileError, RuntimeError, ValueError) as exc:
            raise EncodeError(f"libsndfile: open {file_format}: {exc}") from exc

    def write(self, samples: Samples) -> bytes:
        """Encode samples; return the bytes that are ready."""
        try:
            self._file.write(samples)
        except (soundfile.SoundFileError, RuntimeError) as exc:
            raise EncodeError(f"libsndfile: write: {exc}") from exc
        return self._sink.take()

    def finish(self) -> tuple[bytes, bytes]:
        """Close the file; return its final header and the remaining bytes."""
        try:
            self._file.close()
        except (soundfile.SoundFileError, RuntimeError) as exc:
            raise EncodeError(f"libsndfile: close: {exc}") from exc
        return bytes(self._sink.head), self._sink.take()

    def close(self) -> None:
        """Free the encoder."""
        self._file.close()


class _Sink:
    """The file object that libsndfile writes to. Positions count from the start of the file, including bytes taken."""

    def __init__(self) -> None:
        self.head = bytearray()
        self._pending: list[bytes] = []
        self._position = 0
        self._end = 0

    def write(self, data: bytes) -> int:
        start, stop = self._position, self._position + len(data)
        if start == self._end:
            self._pending.append(data)
            self._end = stop
            self.head += data[: max(0, HEAD_BYTES - start)]
        elif stop <= len(self.head):
            self.head[start:stop] = data
        else:
            return 0  # libsndfile raises an error
        self._position = stop
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        self._position = offset + (0, self._position, self._end)[whence]
        return self._position

    def tell(self) -> int:
        return self._position

    def take(self) -> bytes:
        data = b"".join(self._pending)
        self._pending.clear()
        return data
