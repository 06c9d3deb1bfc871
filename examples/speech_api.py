"""A web endpoint in the shape of OpenAI's /v1/audio/speech: the listener hears the start while the rest is synthesised.

    AUDIOWRITER_TARGET=localhost:50051 uvicorn speech_api:app

?complete=1 returns the finished file instead, with a final header and a Content-Length.
"""

import io
import os
from collections.abc import AsyncIterator
from typing import Literal

import numpy as np
from audiowriter_client import AsyncAudioWriter, async_encode_iter, stream_config
from fastapi import FastAPI, Response
from fastapi.responses import StreamingResponse
from numpy.typing import NDArray
from pydantic import BaseModel

RATE = 24_000
MEDIA_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg; codecs=opus",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}

app = FastAPI()


class SpeechRequest(BaseModel):
    """The body of a request."""

    input: str
    model: str = ""
    voice: str = ""
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"


async def synthesise(text: str) -> AsyncIterator[NDArray[np.float32]]:
    """Yield float32 blocks: a tone per character. Put your model here."""
    times = np.arange(RATE // 20) / RATE
    fade = np.clip(np.minimum(times, times[::-1]) * 200, 0, 1)
    for character in text:
        pitch = 220 * 2 ** (ord(character) % 24 / 12)
        yield (0.3 * fade * np.sin(2 * np.pi * pitch * times)).astype(np.float32)


@app.post("/v1/audio/speech")
async def speech(request: SpeechRequest, complete: bool = False) -> Response:
    """Return the audio: as it is made, or as a finished file."""
    target = os.environ.get("AUDIOWRITER_TARGET", "localhost:50051")
    config = stream_config(format=request.response_format, sample_rate_hz=RATE, sample_format="f32le")
    blocks, media_type = synthesise(request.input), MEDIA_TYPES[request.response_format]
    if not complete:
        chunks = async_encode_iter(target, config, blocks)
        await chunks.started  # an error is a response of its own, and not the end of a response
        return StreamingResponse(chunks, media_type=media_type)
    file = io.BytesIO()
    async with AsyncAudioWriter.open(target, config, file) as writer:
        async for block in blocks:
            await writer.write(block)
    return Response(file.getvalue(), media_type=media_type)
