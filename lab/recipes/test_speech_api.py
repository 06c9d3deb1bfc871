"""The speech endpoint, called by the `openai` package over HTTP."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator

import numpy as np
import openai
import pytest
import speech_api
import uvicorn
from audiowriter_server.runtime.embedded import EmbeddedServer
from audiowriter_server.runtime.settings import Settings
from numpy.typing import NDArray
from support.decode import JUDGES

TEXT = "A file that is finished when its last sample is."
SAMPLES = len(TEXT) * speech_api.RATE // 20


@pytest.fixture(scope="module")
def client() -> Iterator[openai.OpenAI]:
    with EmbeddedServer(Settings()) as encoder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUDIOWRITER_TARGET", encoder.target)
        server = uvicorn.Server(uvicorn.Config(speech_api.app, port=0, log_level="warning"))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0)
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize("name", speech_api.MEDIA_TYPES)
def test_every_response_format_has_the_whole_speech(client: openai.OpenAI, name: str, complete: bool) -> None:
    with client.audio.speech.with_streaming_response.create(
        model="tones",
        voice="any",
        input=TEXT,
        response_format=name,  # type: ignore[arg-type]  # parametrized
        extra_query={"complete": 1} if complete else None,
    ) as response:
        file = b"".join(response.iter_bytes())
        length = response.headers.get("content-length")
    assert response.headers["content-type"] == speech_api.MEDIA_TYPES[name]
    assert length == (str(len(file)) if complete else None)
    samples = np.frombuffer(file, "<f4") if name == "pcm" else JUDGES[name](file)
    delay = 1024 if name == "aac" else 0
    assert SAMPLES <= len(samples) - delay < SAMPLES + 2048
    if complete and name in ("wav", "flac", "mp3", "opus"):
        assert len(samples) == SAMPLES


def test_the_first_bytes_come_before_the_last_block(client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = threading.Event()
    original = speech_api.synthesise

    async def slow(text: str) -> AsyncIterator[NDArray[np.float32]]:
        async for block in original(text):
            yield block
        await asyncio.to_thread(heard.wait, 60)

    monkeypatch.setattr(speech_api, "synthesise", slow)
    with client.audio.speech.with_streaming_response.create(
        model="tones", voice="any", input=TEXT, response_format="mp3"
    ) as response:
        chunks = response.iter_bytes(1000)
        assert len(next(chunks)) == 1000
        heard.set()
        assert sum(map(len, chunks)) > 10_000


def test_an_unknown_format_is_a_client_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.UnprocessableEntityError):
        client.audio.speech.create(model="tones", voice="any", input=TEXT, response_format="mp2")  # type: ignore[arg-type]
