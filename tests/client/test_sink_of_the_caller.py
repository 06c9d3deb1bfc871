"""Sinks that the caller implements, and values that are no sinks."""

from pathlib import Path
from typing import Any

import pytest
from audiowriter_client.sink import Sink, open_sink


class Collected:
    """A caller's own sink."""

    def __init__(self) -> None:
        self.calls: list[object] = []

    def write(self, data: bytes) -> None:
        self.calls.append(data)

    def finish(self, header: bytes) -> None:
        self.calls.append(("finish", header))

    def discard(self) -> None:
        self.calls.append("discard")


def test_sink_of_the_caller_is_used() -> None:
    sink: Sink = Collected()
    assert open_sink(sink) is sink
    for piece in (b"headbo", b"dy"):
        assert sink.write(piece) is None
    sink.finish(b"HE")
    assert isinstance(sink, Collected)
    assert sink.calls == [b"headbo", b"dy", ("finish", b"HE")]


def test_text_file_is_refused_at_open(tmp_path: Path) -> None:
    with (tmp_path / "a.wav").open("w") as file, pytest.raises(TypeError, match=r"^sink: expected a binary file"):
        open_sink(file)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [None, 1, b"a.wav", ["a.wav"]])
def test_error_names_the_type_of_a_wrong_sink(wrong: Any) -> None:
    with pytest.raises(TypeError, match=rf"^sink: expected a path, .*, not {type(wrong).__name__}$"):
        open_sink(wrong)
