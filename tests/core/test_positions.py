"""PCM with positions and from several sources: the file has the samples of a plain model, whatever came in which order."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from audiowriter_core import AudioEncoder, Chunk, Finished, Flushed, InvalidArgument, WrongState, open_audio
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.encode import Encoded, collect
from support.recordings import Placed, Write, noise

RATE = 8000


def encode(writes: Sequence[Write], cuts: Sequence[int] = (), **options: Any) -> Encoded:
    """Encode a stream. `cuts`: bytes of the parts into which each write is cut; all but the first have no position."""
    encoded = Encoded()
    with AudioEncoder(
        **{"format": "pcm", "sample_rate_hz": RATE, "max_skew_ms": 1000, "serial": 1, **options}
    ) as encoder:
        collect(encoder.start(), encoded)
        for write in writes:
            pcm, position = write.samples.tobytes(), write.position
            for size in (*cuts, len(pcm)):
                part, pcm = pcm[:size], pcm[size:]
                if part:
                    collect(encoder.write(part, position=position, channel=write.channel), encoded)
                    position = None
        collect(encoder.finish(), encoded)
    return encoded


def frames_of(encoded: Encoded, channels: int) -> NDArray[np.int16]:
    return np.frombuffer(encoded.file, "<i2").reshape(-1, channels)


@st.composite
def packets(draw: st.DrawFn) -> tuple[int, list[Write]]:
    """Return a number of channels, and packets of each that were lost, doubled, reordered and interleaved at random."""
    channels = draw(st.integers(2, 8))
    writes = []
    for channel in range(1, channels + 1):
        position = draw(st.integers(0, 200))
        for number in range(draw(st.integers(0, 6))):
            frames = draw(st.integers(1, 80))
            if draw(st.integers(0, 4)):  # every fifth is lost
                known = position if number == 0 or draw(st.booleans()) else None
                samples = noise(frames, 100 * channel + number)
                writes += [(channel, Write(samples, known, channel))] * draw(st.sampled_from([1, 1, 1, 2]))
                position += frames
            else:
                position += frames
        position += draw(st.integers(-100, 100))
    return channels, [write for _, write in draw(st.permutations(writes))]


@settings(max_examples=200, deadline=None)
@given(packets(), st.sampled_from([10, 40, 1000]), st.sampled_from([(), (3, 50)]))
def test_any_order_of_packets_gives_the_samples_of_the_model(
    stream: tuple[int, list[Write]], skew_ms: int, cuts: tuple[int, ...]
) -> None:
    channels, writes = stream
    model = Placed(channels, skew_ms * RATE // 1000)
    for write in writes:
        model.write(write)
    encoded = encode(writes, cuts, channels=channels, max_skew_ms=skew_ms)
    np.testing.assert_array_equal(frames_of(encoded, channels), model.frames)
    finished = encoded.finished
    assert (finished.input_samples, finished.output_samples) == (model.length, model.length)
    assert (finished.filled_samples, finished.dropped_samples) == (model.filled, model.dropped)
    assert finished.drift_ppm == 0


@pytest.mark.parametrize("name", ["wav", "flac", "ogg-flac"])
def test_lossless_files_have_the_same_samples_and_mixes_are_those_of_the_frames(name: str) -> None:
    left, right = noise(4000, 1), noise(3000, 2)
    writes = [Write(left[:2000], 0, 1), Write(right, 500, 2), Write(left[2000:], 2100, 1)]
    frames = frames_of(encode(writes, channels=2), 2)
    assert frames.shape == (4100, 2)
    changes: list[dict[str, Any]] = [{}, {"output_channels": 1, "output_sample_rate_hz": 16_000}]
    for options in changes:
        placed = encode(writes, channels=2, format=name, **options)
        plain = Encoded()
        with AudioEncoder(format=name, sample_rate_hz=RATE, channels=2, serial=1, **options) as encoder:
            collect(encoder.write(frames.tobytes()), plain)
            collect(encoder.finish(), plain)
        assert placed.file == plain.file


@pytest.mark.parametrize(
    ("sample_format", "width", "silence"),
    [("s16le", 2, 0), ("s24le", 3, 0), ("f64le", 8, 0), ("u8", 1, 0x80), ("mulaw", 1, 0xFF), ("alaw", 1, 0xD5)],
)
@pytest.mark.parametrize("channel", [0, 1])
def test_a_gap_has_the_silence_of_the_sample_format(sample_format: str, width: int, silence: int, channel: int) -> None:
    tone = np.full(width * (1 if channel else 2) * 10, 1, np.uint8)
    encoded = encode(
        [Write(tone, 0, channel), Write(tone, 15, channel)],
        channels=2,
        sample_format=sample_format,
        format=sample_format if sample_format.endswith("law") else "pcm",
    )
    file = np.frombuffer(encoded.file, np.uint8).reshape(25, 2, width)
    there = np.zeros((25, 2), np.bool_)
    there[[*range(10), *range(15, 25)], : 1 if channel else 2] = True
    assert (file[there] == 1).all()
    assert (file[~there] == silence).all()
    assert encoded.finished.filled_samples == np.count_nonzero(~there)


def test_pcm_without_positions_follows_the_pcm_of_its_channel() -> None:
    left, right = noise(300, 1), noise(300, 2)
    writes = [
        Write(left[:100], None, 1),
        Write(right[:200], None, 2),
        Write(left[100:], None, 1),
        Write(right[200:], 210, 2),
    ]
    frames = frames_of(encode(writes, channels=2), 2)
    np.testing.assert_array_equal(frames[:300, 0], left)
    np.testing.assert_array_equal(frames[:200, 1], right[:200])
    np.testing.assert_array_equal(frames[210:310, 1], right[200:])


def test_a_late_channel_is_silent_and_what_comes_later_is_dropped() -> None:
    writes = [Write(noise(100, 1), 0, 2), Write(noise(9000, 2), 0, 1), Write(noise(2000, 3), 500, 2)]
    encoded = encode(writes, channels=2)
    right = frames_of(encoded, 2)[:, 1]
    assert encoded.finished.dropped_samples == 500  # 9000 - 8000 samples of skew were returned before
    assert not right[100:1000].any()
    np.testing.assert_array_equal(right[1000:2500], noise(2000, 3)[500:])


@settings(max_examples=50, deadline=None)
@given(packets())
def test_what_waits_is_bounded_by_max_skew(stream: tuple[int, list[Write]]) -> None:
    channels, writes = stream
    with AudioEncoder(format="pcm", sample_rate_hz=RATE, channels=channels, max_skew_ms=5, serial=1) as encoder:
        for write in writes:
            size = len(write.samples) * 2
            length, work = encoder.timeline.after(size, write.position, write.channel)
            before = encoder.bytes_out
            encoder.write(write.samples.tobytes(), position=write.position, channel=write.channel)
            assert encoder.input_samples == length
            assert encoder.bytes_out - before <= work * channels * 2
            assert encoder.held_bytes <= 40 * channels * 2


def test_a_long_gap_is_encoded_in_slices() -> None:
    with AudioEncoder(format="flac", sample_rate_hz=48_000, channels=2, max_gap_ms=3_600_000) as encoder:
        frame = bytes(4 * 960)
        encoder.write(frame, position=0)
        longest, slices = 0, 0
        for events in encoder.write_slices(frame, position=48_000 * 3600):
            longest = max(longest, sum(len(event.data) for event in events if isinstance(event, Chunk)))
            slices += 1
        assert slices >= 3599 * encoder.cost.bytes_per_second // encoder.cost.slice_bytes
        assert longest <= 256 * 1024
        assert encoder.held_bytes < encoder.cost.bytes_per_second * 1.2
        for _ in encoder.finish_slices():
            pass
        *_, finished = encoder.finish()
        assert isinstance(finished, Finished)
        assert finished.output_samples == 48_000 * 3600 + 960


def test_a_flush_keeps_what_waits_for_another_channel() -> None:
    with AudioEncoder(format="pcm", sample_rate_hz=RATE, channels=2, max_skew_ms=500) as encoder:
        encoder.write(noise(300, 1), position=0, channel=1)
        encoder.write(noise(100, 2), position=0, channel=2)
        *_, flushed = encoder.flush()
        assert flushed == Flushed(offset=400, input_samples=300, held_samples=200)


@pytest.mark.parametrize(
    ("writes", "options", "field", "message"),
    [
        ([(0, 0)], {"max_skew_ms": None}, "position", "set max_gap, max_skew or max_jitter"),
        ([(None, 1)], {"max_skew_ms": None}, "channel", "set max_gap, max_skew or max_jitter"),
        (
            [(-1, 0)],
            {},
            "position",
            "takes 0 to 2400000: the stream has 0 samples per channel, and max_gap is 300000 ms",
        ),
        ([(0, 0), (81, 0)], {"max_gap_ms": 10}, None, ""),
        ([(0, 0), (82, 0)], {"max_gap_ms": 10}, "position", "takes 0 to 81: the stream has 1 samples per channel"),
        ([(0, 3)], {}, "channel", "takes 1 to 2, or 0 for all channels, interleaved"),
        ([(0, -1)], {}, "channel", "takes 1 to 2, or 0 for all channels, interleaved"),
        ([(0, 0), (1, 1)], {}, "channel", "all channels, and this does not change within a stream"),
        ([(0, 1), (1, 0)], {}, "channel", "one channel, and this does not change within a stream"),
    ],
)
def test_a_position_or_channel_that_is_not_accepted_is_named(
    writes: list[tuple[int | None, int]], options: dict[str, Any], field: str | None, message: str
) -> None:
    *good, last = [Write(noise(1 if channel else 2, 1), position, channel) for position, channel in writes]
    if field is None:
        encode([*good, last], channels=2, **options)
        return
    with pytest.raises(InvalidArgument) as caught:
        encode([*good, last], channels=2, **options)
    assert [violation.field for violation in caught.value.violations] == [field]
    assert message in str(caught.value)


def test_an_empty_write_does_not_decide_between_all_channels_and_single_ones() -> None:
    encoded = encode([Write(noise(0, 1)), Write(noise(10, 1), 0, 1)], channels=2)
    with AudioEncoder(format="pcm", sample_rate_hz=RATE, channels=2, max_skew_ms=500) as encoder:
        encoder.write(b"")
        encoder.write(b"\1\1", channel=1)
        assert encoder.finish()
    assert encoded.finished.input_samples == 10


def test_positions_are_between_frames() -> None:
    with AudioEncoder(format="pcm", sample_rate_hz=RATE, channels=2, max_skew_ms=500) as encoder:
        encoder.write(bytes(5), position=0)
        with pytest.raises(InvalidArgument, match="position=1: follows 1 of the 4 bytes of a frame"):
            encoder.write(bytes(4), position=1)
        with pytest.raises(WrongState):
            encoder.write(bytes(4), position=1)
    with AudioEncoder(format="pcm", sample_rate_hz=RATE, channels=2, max_skew_ms=500) as encoder:
        encoder.write(bytes(5), channel=1)
        with pytest.raises(InvalidArgument, match="ends with 1 of the 2 bytes of a frame"):
            encoder.finish()


@pytest.mark.parametrize("name", ["max_gap_ms", "max_skew_ms", "max_jitter_ms"])
@pytest.mark.parametrize("value", [-1, 0.5, 1e9, "1"])
def test_options_are_checked(name: str, value: object) -> None:
    with pytest.raises(InvalidArgument, match=f"{name}={value}".replace("+", r"\+") if value != 1e9 else name):
        AudioEncoder(format="wav", sample_rate_hz=RATE, **{name: value})  # type: ignore[arg-type]


def test_files_take_arrays_of_one_channel() -> None:
    file = BytesIO()
    with open_audio(file, format="pcm", sample_rate_hz=RATE, channels=2, max_skew_ms=1000) as audio:
        for start in range(0, 8000, 160):
            audio.write(np.full(160, 0.25, np.float32), channel=1)
            if start >= 800:
                audio.write(np.full((160, 1), -0.25, np.float32), position=start - 800, channel=2)
    frames = np.frombuffer(file.getvalue(), "<f4").reshape(-1, 2)
    assert (frames[:, 0] == 0.25).all()
    assert (frames[:7200, 1] == -0.25).all()
    assert not frames[7200:, 1].any()
    assert audio.result.filled_samples == 800
