"""AudioEncoder: its states, its events, and how it is freed."""

import gc
import threading
import weakref
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any, ClassVar

import numpy as np
import pytest
from audiowriter_core import (
    FORMATS,
    AudioEncoder,
    Chunk,
    Event,
    Finished,
    Flushed,
    InvalidArgument,
    Started,
    State,
    WrongState,
)
from audiowriter_core.audio.sample_types import Samples
from audiowriter_core.codecs.base import Packet
from audiowriter_core.codecs.pcm import PcmCodec
from audiowriter_core.muxers.wav import WavMuxer
from audiowriter_core.packet_encoder import PacketEncoder
from audiowriter_core.states import ALLOWED

PCM = bytes(9600)
CALLS = ("start", "write", "flush", "finish", "close")


def encoder(name: str = "wav") -> AudioEncoder:
    return AudioEncoder(format=name, sample_rate_hz=24_000)


def call(stream: AudioEncoder, name: str) -> None:
    getattr(stream, name)(*([PCM] if name == "write" else []))


def in_state(state: State) -> AudioEncoder:
    stream = encoder()
    match state:
        case State.STREAMING:
            stream.write(PCM)
        case State.FINISHED:
            stream.finish()
        case State.FAILED:
            stream.write(b"\0")
            with pytest.raises(InvalidArgument, match="ends with 1 of the 2 bytes of a frame"):
                stream.finish()
        case State.CLOSED:
            stream.close()
    assert stream.state is state
    return stream


@pytest.mark.parametrize(("state", "name"), list(product(State, CALLS)), ids=str)
def test_each_state_allows_exactly_the_calls_of_the_table(state: State, name: str) -> None:
    stream = in_state(state)
    after = ALLOWED[state].get(name)
    if after is None:
        with pytest.raises(WrongState, match=rf"{name}\(\) is not allowed on a stream that is {state.value}"):
            call(stream, name)
        assert stream.state is state
    else:
        call(stream, name)
        assert stream.state is after
    stream.close()


def file_of(events: list[Event]) -> bytes:
    """Assemble the file from events as a caller does."""
    data = bytearray()
    for event in events:
        if isinstance(event, Chunk):
            assert event.offset == len(data)
            data += event.data
        elif isinstance(event, Finished):
            data += event.trailer
            data[: len(event.header)] = event.header
            assert event.file_bytes == len(data)
    return bytes(data)


@pytest.mark.parametrize("name", FORMATS)
def test_events_are_in_order_and_contain_the_file(name: str) -> None:
    stream = encoder(name)
    events = [*stream.write(PCM), *stream.flush(), *stream.write(PCM), *stream.finish()]
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    assert [type(event) for event in events if not isinstance(event, Chunk)] == [Started, Flushed, Finished]
    assert file_of(events)
    assert events[-1].input_samples == 9600
    stream.close()


def test_dtype_of_arrays_determines_the_sample_format() -> None:
    samples = np.array([[0.5, -0.25]] * 10, np.float32)
    by_array = AudioEncoder(format="wav", sample_rate_hz=24_000, channels=2)
    by_name = AudioEncoder(format="wav", sample_rate_hz=24_000, channels=2, sample_format="f32le")
    file = file_of([*by_array.write(samples), *by_array.finish()])
    assert file == file_of([*by_name.write(samples.tobytes()), *by_name.finish()])
    assert by_array.options.output.sample_type.name == "F32LE"


@pytest.mark.parametrize(
    ("pcm", "words"),
    [
        (np.zeros(10, np.int64), "pcm: dtype int64: sample_format s16le takes int16"),
        (np.zeros((10, 2), np.int16), r"pcm: shape \(10, 2\): channels=1 takes \(n, 1\)"),
        (np.full(10, np.nan, np.float32), "pcm: nan at frame 0, channel 0: samples must be finite"),
    ],
)
def test_bad_arrays_are_refused_with_a_reason(pcm: Samples, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        encoder().write(pcm)


def test_one_error_names_all_bad_options() -> None:
    with pytest.raises(InvalidArgument) as caught:
        AudioEncoder(format="mp3", sample_rate_hz=0, channels=9, effort=12, tags={"mood": "x"})
    assert [violation.field for violation in caught.value.violations] == [
        "sample_rate_hz",
        "channels",
        "effort",
        'tags["mood"]',
    ]
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    "bad",
    [
        {"format": None},
        {"format": ["opus"]},
        {"sample_rate_hz": "24000"},
        {"sample_rate_hz": 24_000.0},
        {"channels": 1.0},
        {"channels": [1]},
        {"output_channels": [1], "channels": {}},
        {"sample_format": 16},
        {"bitrate_bps": 64_000.0},
        {"effort": "10"},
        {"page_ms": "20"},
        {"page_ms": float("nan")},
        {"opus_frame_ms": "20"},
        {"opus_frame_ms": [20]},
        {"output_sample_rate_hz": 48_000.0},
        {"output_channels": 2.0},
        {"output_sample_format": 32},
        {"tags": "title"},
        {"tags": ["title"]},
        {"tags": [("title",)]},
        {"tags": 1},
        {"tags": {"title": b"a"}},
        {"tags": {1: "a", "mood": "b"}},
        {"format": "mp3", "vbr_quality": "0.4"},
        {"format": "mp3", "vbr_quality": 10**400},
        {"format": "mp3", "vbr_quality": float("nan")},
    ],
    ids=str,
)
def test_a_value_of_a_wrong_type_is_refused_by_name(bad: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        AudioEncoder(**{"format": "opus", "sample_rate_hz": 24_000, **bad})
    assert [*bad][-1] in str(caught.value)


@pytest.mark.parametrize(
    "name", ["channels", "sample_format", "output_sample_format", "bitrate_bps", "page_ms", "tags"]
)
@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: {"title": value}, lambda value: [(value, value)]])
def test_an_integer_that_python_does_not_print_is_refused_by_name(name: str, wrap: Callable[[int], Any]) -> None:
    options: dict[str, Any] = {"format": "opus", "sample_rate_hz": 24_000, name: wrap(10**5000)}
    with pytest.raises(InvalidArgument, match=name):
        AudioEncoder(**options)


def test_integers_of_numpy_are_integers() -> None:
    options = AudioEncoder(
        format="opus",
        sample_rate_hz=np.int64(16_000),  # type: ignore[arg-type]
        channels=np.uint8(2),  # type: ignore[arg-type]
        bitrate_bps=np.int32(64_000),  # type: ignore[arg-type]
        output_sample_rate_hz=np.int16(24_000),  # type: ignore[arg-type]
    ).options
    assert (options.input.sample_rate_hz, options.output.bitrate_bps) == (16_000, 64_000)
    assert {type(value) for value in (options.input.channels, options.output.sample_rate_hz)} == {int}


@pytest.mark.parametrize(
    ("pcm", "samples"),
    [
        (np.zeros((0, 1), "i2").data, 0),
        (np.zeros(20, "i2").data[::2], 10),
        (np.zeros((1, 10), "i2").T.data, 10),
        (np.arange(10, dtype="i2")[::-1], 10),
        (np.arange(10, dtype=">i2"), 10),
    ],
)
def test_memory_may_have_any_layout(pcm: Samples | memoryview, samples: int) -> None:
    stream = encoder("pcm")
    stream.write(pcm)
    (finished,) = [event for event in stream.finish() if isinstance(event, Finished)]
    assert finished.input_samples == samples


class PausingCodec(PcmCodec):
    """A codec whose thread waits inside `encode` until it is released."""

    entered, may_go_on = threading.Event(), threading.Event()
    freed_by: ClassVar[list[threading.Thread]] = []

    def encode(self, samples: Samples) -> list[Packet]:
        self.entered.set()
        assert self.may_go_on.wait(20)
        assert not self.freed_by, "freed while in use"
        return super().encode(samples)

    def close(self) -> None:
        self.freed_by.append(threading.current_thread())


def test_an_encoder_in_use_is_freed_by_the_thread_that_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pausing = replace(
        FORMATS["wav"],
        open=lambda output: PacketEncoder(output, codec := PausingCodec(output), WavMuxer(output, codec)),
    )
    monkeypatch.setitem(FORMATS, "wav", pausing)
    stream = encoder()
    codec = threading.Thread(target=stream.write, args=[PCM])
    codec.start()
    assert PausingCodec.entered.wait(20)
    with pytest.raises(WrongState, match="in use by another thread"):
        stream.write(PCM)
    stream.close()
    stream.close()
    assert PausingCodec.freed_by == []
    PausingCodec.may_go_on.set()
    codec.join()
    assert PausingCodec.freed_by == [codec]
    with pytest.raises(WrongState):
        stream.write(PCM)


@pytest.mark.parametrize("name", FORMATS)
def test_a_closed_encoder_leaves_nothing_for_the_garbage_collector(name: str) -> None:
    encoder = AudioEncoder(format=name, sample_rate_hz=24_000)
    encoder.write(bytes(4800))
    alive = weakref.ref(encoder)
    gc.disable()
    try:
        encoder.close()
        del encoder
        assert alive() is None
    finally:
        gc.enable()
