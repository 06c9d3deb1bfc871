"""Places PCM at its positions, and joins the channels of different sources to frames.

A frame is complete when each channel has its sample. It is returned when it is complete, or when it is `max_skew_ms` behind
the latest frame: then its missing samples are silent, and what comes for them later is dropped. Therefore at most
`max_skew_ms` of PCM is held. The frames do not depend on the order of channels and packets, unless one came so late.
"""

from collections.abc import Iterator

import numpy as np

from ..errors import InvalidArgument, Violation
from ..options import InputOptions
from .drift import DriftCorrection
from .sample_types import ALAW, MULAW, U8

_SILENCE = {U8: 0x80, MULAW: 0xFF, ALAW: 0xD5}
"""The byte of which silence consists; 0 for all other types. ITU-T G.711: positive zero, and the smallest positive value."""


class Lane:
    """The channels whose samples come together: one channel, or all of them."""

    def __init__(self, options: InputOptions, number: int, channels: int) -> None:
        self.number = number
        self.channels = channels
        self.frame_bytes = options.sample_type.width * channels
        self.columns = slice(number * self.frame_bytes, (number + 1) * self.frame_bytes)
        self.drift = DriftCorrection(options, channels) if options.max_jitter_ms else None
        self.rest = b""
        """Bytes of an incomplete frame."""
        self.next = 0
        """Position of a request that has none: after the request before it."""
        self.end = 0
        """The first missing frame that was not returned yet."""
        self.highest = 0
        """After the last frame received."""


class Timeline:
    """The frames of one stream between their arrival and the pipeline.

    `add` yields frames as interleaved bytes, at most `most` at a time, so that a long gap is encoded in slices. Some may be
    empty.
    """

    def __init__(self, options: InputOptions) -> None:
        self._input = options
        self._skew = max(1, options.frames(options.max_skew_ms))
        self._gap = options.frames(options.max_gap_ms)
        self._silence = _SILENCE.get(options.sample_type, 0)
        self._lanes: list[Lane] = []  # known from the first request on
        self.received = 0
        """Length of the stream so far, in frames: after the latest sample of any channel."""
        self._returned = 0
        # The frames from self._returned on, beginning at row self._start: their bytes, and which lanes have them.
        self._bytes = np.empty((0, options.frame_bytes), np.uint8)
        self._has = np.empty((0, 0), np.bool_)
        self._start = self._length = 0
        self.filled_samples = 0
        """Silent samples that were inserted, summed over all channels."""
        self.dropped_samples = 0
        """Samples that were dropped, summed over all channels."""

    @property
    def held(self) -> int:
        """Frames received that were not returned yet."""
        return self.received - self._returned

    @property
    def drift_ppm(self) -> float:
        """How fast the source's clock was against that of its positions. Of several: the one with the largest drift."""
        return max((lane.drift.ppm for lane in self._lanes if lane.drift), key=abs, default=0.0)

    def after(self, size: int, position: int | None, channel: int) -> tuple[int, int]:
        """Return `received` after a request with `size` bytes, and the most frames that `add` yields for it."""
        frames = size // (self._input.sample_type.width * (1 if channel else self._input.channels))
        lane = self._find(channel)
        start = position if position is not None else lane.next if lane else 0
        if not 0 <= start <= self.received + self._gap:
            return self.received, 0  # it will be refused
        length = max(self.received, start + frames)
        limit = length - self._skew
        # A channel that is no longer waited for lets all that it has follow.
        complete = [other.highest if other.end < limit else other.end for other in self._lanes if other is not lane]
        complete.append(max(lane.highest if lane else 0, start + frames))
        return length, max(0, min(complete) - self._returned, limit - self._returned)

    def add(
        self, pcm: bytes | memoryview, position: int | None, channel: int, most: int
    ) -> Iterator[bytes | memoryview]:
        """Take the PCM of one request; yield the frames that are ready. Raises InvalidArgument."""
        if not self._input.max_skew_ms:
            field, value = ("channel", channel) if position is None else ("position", position)
            _refuse(field, value, "set max_gap, max_skew or max_jitter for PCM with positions or of single channels")
        if not pcm and position is None and not channel:
            return  # so that an empty write does not decide between lanes
        lane = self._lane(channel)
        start, data = self._whole_frames(lane, pcm, position)
        for part_start, part in _parts(start, data, lane.frame_bytes, most):
            if part_start > start:
                yield b""  # a part that yields nothing, because it waits or is dropped, takes time, too
            for piece_start, piece in lane.drift.add(part_start, part) if lane.drift else ((part_start, part),):
                yield from self._insert(lane, piece_start, piece, most)

    def end(self, most: int) -> Iterator[bytes | memoryview]:
        """Yield the rest. Raises InvalidArgument if the PCM of a channel ends inside a sample."""
        for lane in self._lanes:
            if lane.rest:
                _refuse("pcm", "", f"ends with {_rest(lane)}: takes whole frames")
            for start, piece in lane.drift.close() if lane.drift else ():
                yield from self._insert(lane, start, piece, most)
        yield from self._return(self.received, most)

    def _find(self, channel: int) -> Lane | None:
        if not self._lanes:
            return None
        return self._lanes[channel - 1 if channel and channel <= len(self._lanes) else 0]

    def _lane(self, channel: int) -> Lane:
        """Return the lane of a request. The first one decides how many there are."""
        channels = self._input.channels
        if not 0 <= channel <= channels:
            _refuse("channel", channel, f"takes 1 to {channels}, or 0 for all channels, interleaved")
        if not self._lanes:
            apart = channel > 0 or channels == 1
            count = channels if apart else 1
            self._lanes = [Lane(self._input, number, channels // count) for number in range(count)]
            self._has = np.empty((0, count), np.bool_)
        if channels > 1 and (channel > 0) != (len(self._lanes) > 1):
            was = "one channel" if len(self._lanes) > 1 else "all channels"
            _refuse("channel", channel, f"the requests before it had {was}, and this does not change within a stream")
        lane = self._find(channel)
        assert lane is not None
        return lane

    def _whole_frames(
        self, lane: Lane, pcm: bytes | memoryview, position: int | None
    ) -> tuple[int, bytes | memoryview]:
        if position is not None:
            if lane.rest:
                _refuse("position", position, f"follows {_rest(lane)}: takes whole frames before it")
            highest = self.received + self._gap
            if not 0 <= position <= highest:
                text = f"takes 0 to {highest}: the stream has {self.received} samples per channel, and max_gap is "
                _refuse("position", position, f"{text}{self._input.max_gap_ms:g} ms")
            lane.next = position
        data = b"".join((lane.rest, pcm)) if lane.rest else pcm
        start, whole = lane.next, len(data) // lane.frame_bytes
        size = whole * lane.frame_bytes
        lane.rest = bytes(data[size:])
        lane.next += whole
        return start, data if size == len(data) else memoryview(data)[:size]

    def _insert(self, lane: Lane, start: int, data: bytes | memoryview, most: int) -> Iterator[bytes | memoryview]:
        """Take frames at their position, and yield what is ready."""
        count = len(data) // lane.frame_bytes
        self.received = max(self.received, start + count)
        if len(self._lanes) == 1 and start == self._returned and not self._length:
            lane.end = lane.highest = self._returned = self.received
            yield data  # it continues the stream, and nothing else waits
            return
        yield from self._return(min(start, self._settled()), most)
        self._place(lane, start, data)
        yield from self._return(max(min(lane.end for lane in self._lanes), self._settled()), most)

    def _settled(self) -> int:
        """Return the first frame that may still wait for a channel. For those before it, no channel is waited for."""
        limit = self.received - self._skew
        for lane in self._lanes:
            if lane.drift and lane.drift.next < limit:
                for start, piece in lane.drift.close():
                    self._place(lane, start, piece)
        return limit

    def _place(self, lane: Lane, start: int, data: bytes | memoryview) -> None:
        """Copy frames to their position, unless others were there before, or frames after them were returned."""
        count = len(data) // lane.frame_bytes
        if late := min(max(0, self._returned - start), count):
            self.dropped_samples += late * lane.channels
            start, count, data = start + late, count - late, memoryview(data)[late * lane.frame_bytes :]
        if not count:
            return
        self._make_room(start + count - self._returned)
        first = self._start + start - self._returned
        has = self._has[first : first + count, lane.number]
        rows = self._bytes[first : first + count, lane.columns]
        new = np.frombuffer(data, np.uint8).reshape(count, lane.frame_bytes)
        if start >= lane.highest:
            rows[:] = new
        else:
            missing = ~has
            self.dropped_samples += (count - int(np.count_nonzero(missing))) * lane.channels
            rows[missing] = new[missing]
        has[:] = True
        lane.highest = max(lane.highest, start + count)
        self._find_end(lane)

    def _find_end(self, lane: Lane) -> None:
        """Set the first missing frame of a lane."""
        lane.end = end = max(lane.end, self._returned)
        if lane.highest > end:
            first = self._start - self._returned
            has = self._has[first + end : first + lane.highest, lane.number]
            missing = int(has.argmin())
            lane.end = lane.highest if has[missing] else end + missing

    def _make_room(self, length: int) -> None:
        """Add silent frames, so that there are at least `length`."""
        if self._start + length > len(self._bytes):
            size = max(2 * length, 1024) if 2 * length > len(self._bytes) else len(self._bytes)
            held = slice(self._start, self._start + self._length)
            kept, kept_has = self._bytes[held], self._has[held]
            self._bytes = np.empty((size, self._input.frame_bytes), np.uint8)
            self._has = np.empty((size, len(self._lanes)), np.bool_)
            self._bytes[: self._length], self._has[: self._length] = kept, kept_has
            self._start = 0
        if length > self._length:
            added = slice(self._start + self._length, self._start + length)
            self._bytes[added], self._has[added] = self._silence, False
            self._length = length

    def _return(self, until: int, most: int) -> Iterator[bytes]:
        """Yield the frames before `until`, with silence where a lane has none."""
        while (count := min(until - self._returned, most)) > 0:
            kept = min(count, self._length)
            rows = slice(self._start, self._start + kept)
            frames = self._bytes[rows].tobytes() + bytes([self._silence]) * ((count - kept) * self._input.frame_bytes)
            after = self._returned + count
            if any(lane.end < after for lane in self._lanes):
                lane_channels = self._input.channels // len(self._lanes)
                have = int(np.count_nonzero(self._has[rows]))
                self.filled_samples += (count * len(self._lanes) - have) * lane_channels
            self._start, self._length = self._start + kept, self._length - kept
            if not self._length:
                self._start = 0
            self._returned = after
            for lane in self._lanes:
                if lane.end < after:
                    self._find_end(lane)
            yield frames


def _parts(
    start: int, data: bytes | memoryview, frame_bytes: int, most: int
) -> Iterator[tuple[int, bytes | memoryview]]:
    """Cut whole frames into parts of at most `most`, each with the position of its first frame."""
    size = most * frame_bytes
    if len(data) <= size:
        yield start, data
        return
    view = memoryview(data)
    for first in range(0, len(data), size):
        yield start + first // frame_bytes, view[first : first + size]


def _rest(lane: Lane) -> str:
    return f"{len(lane.rest)} of the {lane.frame_bytes} bytes of a frame"


def _refuse(field: str, value: object, text: str) -> None:
    raise InvalidArgument([Violation(field, str(value), text)])
