"""Records a conversation with an agent, as Pipecat and LiveKit pass it: two tasks with frames of their own, one stereo file.

The user's frames come all the time, with times of arrival, and from a microphone with a clock of its own. The agent's frames
come faster than real time while it speaks, and not at all while it listens. Both are placed by the time at which they are
heard, so the file has the pauses and the interruptions of the conversation.
"""

from collections.abc import AsyncIterable
from dataclasses import dataclass
from pathlib import Path

from audiowriter_client import AsyncAudioWriter, stream_config

USER, AGENT = 1, 2


@dataclass(frozen=True)
class AudioFrame:
    """Samples of one speaker: S16LE, and the time at which the first one is heard, in s since the start."""

    pcm: bytes
    time_s: float


class ConversationRecorder:
    """Writes both speakers to one file. Run `record` once per speaker, in tasks of their own."""

    def __init__(self, writer: AsyncAudioWriter, sample_rate_hz: int) -> None:
        """Use `open`."""
        self._writer, self._rate = writer, sample_rate_hz

    @classmethod
    def open(cls, target: str, path: str | Path, sample_rate_hz: int, jitter_ms: float = 10) -> "ConversationRecorder":
        """Open a file. `jitter_ms`: by how much the times of frames may be off; choose it shorter than a frame.

        The agent may be 10 s ahead of the user.
        """
        config = stream_config(
            format="flac", sample_rate_hz=sample_rate_hz, channels=2, max_jitter_ms=jitter_ms, max_skew_ms=10_000
        )
        return cls(AsyncAudioWriter.open(target, config, path), sample_rate_hz)

    async def record(self, frames: AsyncIterable[AudioFrame], channel: int) -> None:
        """Write the frames of one speaker: USER or AGENT."""
        async for frame in frames:
            await self._writer.write(frame.pcm, position=round(frame.time_s * self._rate), channel=channel)

    async def close(self) -> None:
        """Complete the file."""
        await self._writer.close()
