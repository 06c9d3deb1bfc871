"""Encodes a stream once more for a listener that has its first bytes from another encoder.

Most encoders give the same bytes again, which a hash proves. The float arithmetic of libopus and of FFmpeg's AAC differs
between CPUs and versions: other packets of the same audio, often of other sizes. A joinable format goes on with them where
the listener's packets end. The codec has encoded all audio before this point, and the decoder's state fades into the new
one.
"""

from dataclasses import dataclass
from typing import Any

from .audio.arrays import Pcm
from .crc32c import crc32c
from .encoder import MAX_CHUNK_BYTES, AudioEncoder
from .errors import ResumeMismatch
from .events import Event
from .pipeline import Pipeline

_MOST_TIMES = 2
"""The bytes of two encoders may differ in number by this factor. More cannot be the same audio with the same options."""


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """What the listener has."""

    offset: int
    """Number of bytes. 0: none."""
    sha256: bytes = b""
    """Their hash."""
    output_samples: int = 0
    """`output_samples` of the last chunk. 0: the stream can only go on with the same bytes."""
    crc32c: int = 0
    """Their CRC-32C. It counts only if `output_samples` is not 0."""
    first_crc32c: int = 0
    """CRC-32C of the first chunk. It counts only if `output_samples` is not 0."""


class ResumedEncoder(AudioEncoder):
    """An AudioEncoder that returns no byte which the listener has. Write the same PCM, with flushes at the same samples.

    `write`, `flush` and `finish` raise ResumeMismatch if the listener's bytes are not the ones of this encoder, and it
    cannot go on with them.
    """

    def __init__(self, resume: ResumePoint, **options: Any) -> None:
        """`options`: those of AudioEncoder, with the serial of the first encoder."""
        super().__init__(**options)
        self._resume = resume
        self._by_packets = resume.output_samples > 0 and self.options.output.format.joinable
        self.replaying = resume.offset > 0
        """Whether the listener has the next byte already."""
        self.joined = False
        """Whether the listener's bytes are another encoder's, and end where those of this encoder go on."""

    def _new_pipeline(self) -> Pipeline:
        pipeline = super()._new_pipeline()
        if self._by_packets:
            pipeline.watch(self._resume.output_samples)
        return pipeline

    def _finish(self, pipeline: Pipeline, pcm: Pcm, events: list[Event]) -> None:
        super()._finish(pipeline, pcm, events)
        if self.replaying:
            raise self._mismatch("the file is shorter")

    def _add_chunks(self, data: bytes, events: list[Event]) -> None:
        super()._add_chunks(self._unheard(data), events)

    def _unheard(self, data: bytes) -> bytes:
        if not self.replaying:
            return data
        sent, resume, pipeline = self._sent, self._resume, self._pipeline
        assert pipeline is not None
        if (
            self._by_packets
            and not sent.length
            and sent.first
            and crc32c(sent.first[:MAX_CHUNK_BYTES]) != resume.first_crc32c
        ):
            raise self._mismatch("the first chunk differs")
        end = pipeline.watched_end if self._by_packets else resume.offset
        known = data if end is None else data[: end - sent.length]
        sent.add(known)
        if sent.length == end:
            self._compare(pipeline)
        return data[len(known) :]

    def _compare(self, pipeline: Pipeline) -> None:
        sent, resume = self._sent, self._resume
        self.replaying = False
        if sent.length == resume.offset and sent.sha256() == resume.sha256:
            return
        if not self._by_packets:
            raise self._mismatch("the bytes differ")
        if not sent.length <= _MOST_TIMES * resume.offset <= _MOST_TIMES**2 * sent.length:
            raise self._mismatch(f"the same audio has {sent.length} bytes here")
        pipeline.go_on(resume.offset)
        sent.go_on(resume.offset, resume.crc32c)
        self.joined = True

    def _mismatch(self, why: str) -> ResumeMismatch:
        kind = self.options.output.format
        rule = "" if kind.joinable else f", and {kind.name} goes on with the same bytes only"
        text = f"the listener has {self._resume.offset} bytes that are not those of this encoder: {why}{rule}"
        return ResumeMismatch(text)
