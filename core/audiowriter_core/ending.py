"""The end of a stream: cuts what completes the file into events of bounded length, and collects the totals."""

from collections.abc import Iterator

from .audio.timeline import Timeline
from .events import Finished
from .muxers.base import Finish
from .options import StreamOptions
from .pipeline import Pipeline
from .sent import SentBytes


def cut_end(end: Finish, size: int) -> Iterator[bytes]:
    """Yield the bytes to append to the file, in parts of at most `size`. The last part is the trailer; it may be empty."""
    trailer = b""
    for part in (*end.tail, end.trailer):
        for start in range(0, len(part), size):
            piece = part[start : start + size]
            # Finished carries the header and the trailer, so the limit applies to both together.
            if len(end.header) + len(trailer) + len(piece) > size:
                yield trailer
                trailer = b""
            trailer += piece
    yield trailer


def finished(
    end: Finish,
    trailer: bytes,
    options: StreamOptions,
    pipeline: Pipeline,
    timeline: Timeline,
    sent: SentBytes,
    input_samples: int,
) -> Finished:
    """Return the last event of a stream. `sent`: with the trailer."""
    return Finished(
        header=end.header,
        trailer=trailer,
        file_bytes=sent.length,
        input_samples=input_samples,
        output_samples=pipeline.output_samples,
        duration_s=pipeline.output_samples / options.output.sample_rate_hz,
        delay_samples=pipeline.delay_samples,
        padding_samples=end.padding_samples,
        sent_sha256=sent.sha256(),
        sent_sha256_offset=sent.hash_offset,
        file_crc32c=sent.file_crc32c(end.header),
        clipped_samples=pipeline.clipped_samples,
        peak=pipeline.peak,
        loudness=pipeline.loudness,
        filled_samples=timeline.filled_samples,
        dropped_samples=timeline.dropped_samples,
        drift_ppm=timeline.drift_ppm,
    )
