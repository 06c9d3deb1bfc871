"""Records a call of Twilio Media Streams as a stereo MP3: the caller is the left channel, the agent the right one.

`record` takes the JSON messages of the WebSocket, so it works with every WebSocket server:

    async with websockets.serve(lambda socket: record(socket, "localhost:50051", "call.mp3"), "0.0.0.0", 8080): ...

Start the stream with `<Stream track="both_tracks">`. Twilio sends µ-law of 8 kHz in base64, 20 ms per message.
https://www.twilio.com/docs/voice/media-streams/websocket-messages
"""

import json
from base64 import b64decode
from collections.abc import AsyncIterable
from pathlib import Path

from audiowriter_client import AsyncAudioWriter, stream_config

RATE = 8000
CHANNELS = {"inbound": 1, "outbound": 2}

CONFIG = stream_config(
    format="mp3",
    sample_rate_hz=RATE,
    channels=len(CHANNELS),
    sample_format="mulaw",
    bitrate_bps=32_000,
    max_skew_ms=1000,
)


async def record(messages: AsyncIterable[str | bytes], target: str, path: str | Path) -> None:
    """Write the audio of all `media` messages to a file, until the `stop` message or the end of the socket."""
    async with AsyncAudioWriter.open(target, CONFIG, path) as writer:
        async for text in messages:
            message = json.loads(text)
            if message["event"] == "stop":
                break
            if message["event"] == "media":
                media = message["media"]
                position = int(media["timestamp"]) * RATE // 1000
                await writer.write(b64decode(media["payload"]), position=position, channel=CHANNELS[media["track"]])
