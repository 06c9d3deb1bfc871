"""libsndfile as a streaming encoder: returns bytes as soon as they are written, and keeps later corrections of the head."""

from collections.abc import Mapping
from typing import Any

import soundfile

from ..audio.sample_types import Samples
from ..errors import EncodeError

HEAD_BYTES = 42
"""Length of the head that is kept for corrections: FLAC's marker and STREAMINFO. libsndfile corrects nothing behind it."""

TAGS = {
    "title": "title",
    "artist": "artist",
    "album": "album",
    "date": "date",
    "genre": "genre",
    "comment": "comment",
    "track": "tracknumber",
}
"""libsndfile's names of the tags."""


class SndfileWriter:
    """One libsndfile encoder that writes to memory: append-only, except for corrections in the first HEAD_BYTES bytes."""

    def __init__(
        self, file_format: str, subtype: str, sample_rate: int, channels: int, level: float, tags: Mapping[str, str]
    ) -> None:
        """`level`: libsndfile's compression level, 0 (largest file) to 1 (smallest)."""
        self._sink = _Sink()
        try:
            self._file: Any = soundfile.SoundFile(
                self._sink, "w", sample_rate, channels, subtype, format=file_format, compression_level=level
            )
            for name, value in tags.items():
                setattr(self._file, TAGS[name], value)
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
        """Close the file; return its corrected head and the bytes that were left."""
        try:
            self._file.close()
        except (soundfile.SoundFileError, RuntimeError) as exc:
            raise EncodeError(f"libsndfile: close: {exc}") from exc
        return bytes(self._sink.head), self._sink.take()

    def close(self) -> None:
        """Free the encoder."""
        self._file.close()


class _Sink:
    """The file object that libsndfile writes to. Positions are absolute, although the bytes are handed out."""

    def __init__(self) -> None:
        self.head = bytearray()
        self._fresh: list[bytes] = []
        self._position = 0
        self._end = 0

    def write(self, data: bytes) -> int:
        start, stop = self._position, self._position + len(data)
        if start == self._end:
            self._fresh.append(data)
            self._end = stop
            self.head += data[: max(0, HEAD_BYTES - start)]
        elif stop <= len(self.head):
            self.head[start:stop] = data
        else:
            return 0  # libsndfile reports a failed write
        self._position = stop
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        self._position = offset + (0, self._position, self._end)[whence]
        return self._position

    def tell(self) -> int:
        return self._position

    def take(self) -> bytes:
        fresh = b"".join(self._fresh)
        self._fresh.clear()
        return fresh
