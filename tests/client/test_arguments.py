"""Arguments of calls that have a wrong type: each call refuses them by their names, before it does anything."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from audiowriter_client import (
    AsyncAudioWriter,
    AudioWriter,
    async_encode,
    async_encode_iter,
    async_list_formats,
    encode,
    encode_iter,
    list_formats,
    stream_config,
)

WAV = stream_config(format="wav", sample_rate_hz=24000)
TARGET = "127.0.0.1:1"

Names = Callable[[], list[str]]


CALLS: dict[str, Callable[..., Any]] = {
    "stream": lambda path, target, config, **rest: AudioWriter.open(target, config, path, **rest),
    "asyncio stream": lambda path, target, config, **rest: AsyncAudioWriter.open(target, config, path, **rest),
    "encode": lambda _, target, config, **rest: encode(target, config, b"", **rest),
    "asyncio encode": lambda _, target, config, **rest: async_encode(target, config, b"", **rest),
    "iterator": lambda _, target, config, **rest: encode_iter(target, config, [], **rest),
    "asyncio iterator": lambda _, target, config, **rest: async_encode_iter(target, config, [], **rest),
    "list": lambda _, target, config, **rest: list_formats(target, **rest),
    "asyncio list": lambda _, target, config, **rest: async_list_formats(target, **rest),
}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"target": None}, r"target: expected a name or a grpc\..*Channel, not NoneType"),
        ({"target": ("localhost", 1)}, r"target: expected a name or a grpc\..*Channel, not tuple"),
        ({"config": None}, "config: expected a StreamConfig, as stream_config returns, not NoneType"),
        ({"config": {"format": "wav"}}, "config: expected a StreamConfig, as stream_config returns, not dict"),
        ({"config": WAV.output}, "config: expected a StreamConfig, as stream_config returns, not AudioOutput"),
        ({"credentials": "secret"}, r"credentials: expected grpc\.ChannelCredentials, not str"),
        ({"metadata": {"a": "b"}}, "metadata: expected a sequence of pairs, not dict"),
        ({"metadata": "ab"}, "metadata: expected a sequence of pairs, not str"),
        ({"metadata": [("a", 1)]}, r"metadata: expected pairs of str with str or bytes, not \('a', 1\)"),
        ({"metadata": [("a",)]}, r"metadata: expected pairs of str with str or bytes, not \('a',\)"),
    ],
)
@pytest.mark.parametrize("call", CALLS)
async def test_error_names_the_argument(
    tmp_path: Path, names: Names, call: str, wrong: dict[str, Any], message: str
) -> None:
    if "config" in wrong and call.endswith("list"):
        return
    with pytest.raises(TypeError, match=f"^{message}$"):
        await CALLS[call](tmp_path / "a.wav", **{"target": TARGET, "config": WAV} | wrong)
    assert names() == []


@pytest.mark.parametrize("call", CALLS)
async def test_channel_of_the_other_kind_is_refused(tmp_path: Path, names: Names, call: str) -> None:
    kinds: dict[bool, Any] = {True: grpc, False: grpc.aio}
    channel = kinds["asyncio" in call].insecure_channel(TARGET)
    with pytest.raises(TypeError, match=r"^target: expected a name or a grpc\..*Channel, not grpc\..*Channel$"):
        await CALLS[call](tmp_path / "a.wav", channel, WAV)
    closing = channel.close()
    if closing is not None:
        await closing
    assert names() == []
