"""StreamingAudioWriter: an AudioEncoder with the interface of a class that many TTS servers contain as a copy.

Each stream has one encoder, so there are no gaps between chunks, and the duration is exact.
"""

import warnings
from typing import Any

import numpy as np
from audiowriter_core import FORMATS, AudioEncoder, Chunk, Event, Finished
from numpy.typing import NDArray

NAMES = {name: name for name in ("wav", "opus", "flac", "mp3", "aac", "pcm")} | {"ogg": "vorbis"}
BITRATE_BPS = 128_000


class StreamingAudioWriter:
    """Encodes arrays to one audio file. Every call returns the bytes that are ready to be sent to the listener.

    Lossless formats store 16 bits. AAC, MP3 and Opus use 128 kbit/s, or the maximum of the format at the sample rate.

    The returned bytes play as they are, but the first bytes of WAV, FLAC and MP3 contain no totals, because the length is
    unknown when they are sent. To store the file, replace its first bytes with `header` after the stream has ended:

        file.seek(0)
        file.write(writer.header)
    """

    def __init__(self, format: str, sample_rate: int, channels: int = 1) -> None:  # noqa: A002
        """`format`: wav, ogg (Vorbis), opus, flac, mp3, aac or pcm. Raises ValueError for other values."""
        name = NAMES.get(format.lower())
        if name is None:
            raise ValueError(f"format={format!r}: expected one of {', '.join(NAMES)}")
        self.header = b""
        """After `finalize`: replaces the first len(header) bytes of the stored file. Empty if nothing is to be replaced."""
        self._channels = channels
        options: dict[str, Any] = {"format": name, "sample_rate_hz": sample_rate, "channels": channels}
        options |= {"sample_format": "f32le", "output_sample_format": "s16le" if FORMATS[name].lossless else None}
        self._encoder = AudioEncoder(**options)
        if bitrates := FORMATS[name].codec.bitrates:
            highest = bitrates(self._encoder.options.output.sample_rate_hz, channels)[-1]
            if highest < BITRATE_BPS:
                warnings.warn(f"{name} supports at most {highest} bit/s at {sample_rate} Hz", stacklevel=2)
            self._encoder = AudioEncoder(**options, bitrate_bps=min(BITRATE_BPS, highest))

    def write_chunk(self, audio_data: NDArray[Any] | None = None, finalize: bool = False) -> bytes:
        """Encode int16 or float32 samples of shape (n,), interleaved, or (n, channels); return the bytes that are ready.

        The codec buffers at most two frames until the next call; `finalize` ends the stream and returns the rest.
        """
        events: list[Event] = []
        if audio_data is not None and len(audio_data):
            samples = audio_data.reshape(-1, self._channels) if audio_data.ndim == 1 else audio_data
            if samples.dtype == np.int16:
                samples = samples.astype(np.float32) / 32768
            events += self._encoder.write(samples)
            events += self._encoder.flush()  # so that the end of a sentence is audible before the next one arrives
        if finalize:
            events += self._encoder.finish()
        data = bytearray()
        for event in events:
            match event:
                case Chunk():
                    data += event.data
                case Finished():
                    data += event.trailer
                    self.header = event.header
        return bytes(data)

    def close(self) -> None:
        """Free the encoder. May be called more than once."""
        self._encoder.close()
