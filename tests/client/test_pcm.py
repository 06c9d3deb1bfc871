import sys
from array import array
from typing import Any

import numpy as np
import pytest
from audiowriter.v1.audio_writer_pb2 import PcmInput
from audiowriter_client.pcm import Pcm, PcmLayout
from numpy.typing import NDArray


def layout(sample_format: str | None = None, channels: int = 0) -> PcmLayout:
    name = sample_format and f"SAMPLE_FORMAT_{sample_format}"
    return PcmLayout(PcmInput(sample_format=name, channels=channels))


@pytest.mark.parametrize(
    ("sample_format", "dtype", "expected"),
    [
        ("S16LE", "int16", "0100 feff"),
        ("S24LE", "int32", "010000 feffff"),
        ("S32LE", "int32", "01000000 feffffff"),
        ("F32LE", "float32", "0000803f 000000c0"),
        ("F64LE", "float64", "000000000000f03f 00000000000000c0"),
    ],
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_samples_become_little_endian(sample_format: str, dtype: str, expected: str, order: str) -> None:
    samples = np.array([1, -2], np.dtype(dtype).newbyteorder("<" if order == "<" else ">"))
    assert bytes(layout(sample_format).to_bytes(samples)) == bytes.fromhex(expected)


def test_bytes_of_a_frame() -> None:
    sizes = {"U8": 2, "MULAW": 2, "S16LE": 4, "S24LE": 6, "S32LE": 8, "F32LE": 8, "F64LE": 16}
    assert {name: layout(name, 2).frame_bytes for name in sizes} == sizes
    assert layout().frame_bytes == 2
    assert PcmLayout(PcmInput(sample_format=99, channels=3)).frame_bytes == 3  # type: ignore[arg-type]


@pytest.mark.parametrize("sample_format", ["U8", "MULAW", "ALAW"])
def test_unsigned_bytes_are_unchanged(sample_format: str) -> None:
    assert bytes(layout(sample_format).to_bytes(np.array([0, 128, 255], np.uint8))) == b"\x00\x80\xff"


@pytest.mark.parametrize("shape", [(6,), (6, 1)])
def test_one_channel_is_accepted_as_row_or_column(shape: tuple[int, ...]) -> None:
    samples = np.arange(6, dtype="<i2")
    assert layout().to_bytes(samples.reshape(shape)) == samples.tobytes()


def test_channels_are_interleaved() -> None:
    planar = np.array([[1, 2, 3], [4, 5, 6]], "<i2")
    assert bytes(layout(channels=2).to_bytes(planar.T)) == np.array([1, 4, 2, 5, 3, 6], "<i2").tobytes()


@pytest.mark.parametrize("pcm", [b"", bytearray(), memoryview(b""), np.empty(0, np.int16), np.empty((0, 1), np.int16)])
def test_empty_pcm_is_empty(pcm: Pcm) -> None:
    assert bytes(layout().to_bytes(pcm)) == b""


@pytest.mark.skipif(sys.byteorder == "big", reason="such views are in the machine's byte order")
@pytest.mark.parametrize("pcm", [b"\1\0\2\0", bytearray(b"\1\0\2\0"), memoryview(array("h", [1, 2]))])
def test_any_bytes_like_object_is_accepted(pcm: Pcm) -> None:
    assert bytes(layout("F64LE", 2).to_bytes(pcm)) == b"\1\0\2\0"


@pytest.mark.parametrize(
    ("sample_format", "dtype"),
    [
        ("S16LE", "uint16"),
        ("S16LE", "int32"),
        ("S24LE", "int64"),
        ("F32LE", "float64"),
        ("U8", "int8"),
        ("U8", "bool"),
        ("MULAW", "int16"),
    ],
)
def test_another_dtype_is_refused(sample_format: str, dtype: str) -> None:
    with pytest.raises(TypeError, match=rf"dtype {dtype}: {sample_format} requires"):
        layout(sample_format).to_bytes(np.zeros(4, dtype))


@pytest.mark.parametrize("wrong", [[1, 2], (1, 2), "12", 5, None])
def test_another_type_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match=rf"^pcm: expected bytes or a numpy array, not {type(wrong).__name__}$"):
        layout().to_bytes(wrong)


@pytest.mark.parametrize(
    ("channels", "shape"), [(0, (2, 4)), (1, (4, 2)), (2, (4,)), (2, (2, 4)), (2, (4, 2, 1)), (2, ()), (1, ())]
)
def test_another_shape_is_refused(channels: int, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"pcm has shape"):
        layout(channels=channels).to_bytes(np.zeros(shape, np.int16))


@pytest.mark.parametrize("pcm", [np.zeros(1, [("x" * 1000, "i2")]), np.zeros((1,) * 32, np.int16)])
def test_error_quotes_at_most_64_characters_of_an_array(pcm: NDArray[Any]) -> None:
    with pytest.raises((TypeError, ValueError), match="pcm has") as caught:
        layout().to_bytes(pcm)
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize("view", [np.arange(20, dtype=np.int16).data[::2], np.zeros((0, 1), np.int16).data])
def test_memory_may_have_any_layout(view: memoryview) -> None:
    assert bytes(layout().to_bytes(view)) == view.tobytes()


@pytest.mark.parametrize("value", [2**23, -(2**23) - 1, 2**31 - 1])
def test_samples_beyond_24_bits_are_refused(value: int) -> None:
    with pytest.raises(ValueError, match="beyond 24 bits"):
        layout("S24LE").to_bytes(np.array([0, value], np.int32))


def test_extremes_of_24_bits_are_accepted() -> None:
    samples: np.ndarray[Any, Any] = np.array([2**23 - 1, -(2**23)], np.int32)
    assert bytes(layout("S24LE").to_bytes(samples)) == bytes.fromhex("ffff7f 000080")
