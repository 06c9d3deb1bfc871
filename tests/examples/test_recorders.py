"""The recorders of calls: speakers, gaps and packets in another order are in time to the millisecond."""

import asyncio
import json
import struct
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rtp_recorder
import soundfile
import twilio_media_streams
from agent_recorder import AGENT, USER, AudioFrame, ConversationRecorder
from audiowriter_core.audio.sample_types import MULAW, compress, expand
from numpy.typing import NDArray
from support.decode import JUDGES
from support.recordings import late_ms, voice
from support.server import ServerProcess

RATE = 8000
FRAME = 160


@pytest.fixture(scope="module")
def target() -> Iterator[str]:
    with ServerProcess() as server:
        yield server.target


def speech(seconds: float, *spoken: tuple[float, float]) -> NDArray[np.int16]:
    """Return a voice that speaks in these intervals only."""
    place = np.arange(int(seconds * RATE), dtype=np.float64)
    on = np.zeros(len(place))
    for begin, end in spoken:
        on[int(begin * RATE) : int(end * RATE)] = 1
    return np.rint(voice(place, RATE) * on).astype(np.int16)


async def test_a_call_of_twilio_becomes_a_stereo_mp3(target: str, tmp_path: Path) -> None:
    caller, agent = speech(4, (0.5, 1.5), (2.5, 3)), speech(4, (1.4, 2.6))
    messages: list[dict[str, Any]] = [{"event": "connected"}, {"event": "start"}]
    for start in range(0, 4 * RATE, FRAME):
        for track, samples in (("inbound", caller), ("outbound", agent)):
            if track == "outbound" and not samples[start : start + FRAME].any():
                continue  # there is nothing to play
            codes = compress(samples[start : start + FRAME], MULAW).tobytes()
            media = {"track": track, "timestamp": str(start // 8), "payload": b64encode(codes).decode()}
            messages.append({"event": "media", "media": media})
    messages[100], messages[102] = messages[102], messages[100]  # out of order once

    async def socket() -> AsyncIterator[str]:
        for message in [*messages, {"event": "stop"}]:
            yield json.dumps(message)

    await twilio_media_streams.record(socket(), target, tmp_path / "call.mp3")
    heard = JUDGES["mp3"]((tmp_path / "call.mp3").read_bytes())
    assert heard.shape == (4 * RATE, 2)
    assert abs(late_ms(heard[:, 0], caller, RATE)) < 1
    assert abs(late_ms(heard[:, 1], agent, RATE)) < 1


def capture(samples: NDArray[np.int16], order: list[int]) -> bytes:
    """Return a pcap with these packets of 20 ms. Their time stamps wrap around."""
    file = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    codes = compress(samples, MULAW).tobytes()
    for number in order:
        payload = codes[number * FRAME : (number + 1) * FRAME]
        rtp = struct.pack(">BBHII", 0x80, 0, number, (2**32 - 8000 + number * FRAME) % 2**32, 7) + payload
        udp = struct.pack(">HHHH", 4000, 4002, 8 + len(rtp), 0) + rtp
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes(4), bytes(4)) + udp
        frame = bytes(12) + b"\x08\x00" + ip
        file += struct.pack("<IIII", number // 50, 0, len(frame), len(frame)) + frame
    return file


def test_rtp_with_losses_becomes_flac_to_the_sample(tmp_path: Path) -> None:
    samples = speech(3, (0, 3))
    order = [*range(30), 32, 31, 30, *range(33, 60), *range(65, 100), 101, 100, 99, *range(102, 150)]
    finished = rtp_recorder.record(capture(samples, order), tmp_path / "call.flac")
    expected = expand(compress(samples, MULAW), MULAW)
    expected[60 * FRAME : 65 * FRAME] = 0
    heard, rate = soundfile.read(BytesIO((tmp_path / "call.flac").read_bytes()), dtype="int16")
    np.testing.assert_array_equal(heard, expected)
    assert rate == RATE
    assert (finished.filled_samples, finished.dropped_samples) == (5 * FRAME, FRAME)


async def test_a_conversation_has_both_speakers_in_time(target: str, tmp_path: Path) -> None:
    seconds, ppm = 20, 200
    user, agent = speech(seconds, (0, 4), (9, 14)), speech(seconds, (4.5, 8), (15, 18))
    recorder = ConversationRecorder.open(target, tmp_path / "call.flac", RATE)
    turns = {4.5: asyncio.Event(), 15.0: asyncio.Event()}  # when the agent begins to speak

    async def microphone() -> AsyncIterator[AudioFrame]:
        random = np.random.default_rng(1)
        place = np.arange(int(seconds * RATE * (1 + ppm * 1e-6))) / (1 + ppm * 1e-6)
        spoken = user[np.minimum(np.rint(place).astype(int), len(user) - 1)]
        for start in range(0, len(spoken) - FRAME, FRAME):
            now = place[start] / RATE
            for begin, turn in turns.items():
                if now >= begin:
                    turn.set()
            late = random.uniform(-0.003, 0.003) if start else 0
            yield AudioFrame(spoken[start : start + FRAME].tobytes(), now + late)
            await asyncio.sleep(0)

    async def synthesis() -> AsyncIterator[AudioFrame]:
        for begin, end in ((4.5, 8.0), (15.0, 18.0)):
            await turns[begin].wait()
            for start in range(int(begin * RATE), int(end * RATE), FRAME):  # faster than real time
                yield AudioFrame(agent[start : start + FRAME].tobytes(), start / RATE)

    await asyncio.gather(recorder.record(microphone(), USER), recorder.record(synthesis(), AGENT))
    await recorder.close()
    heard, _ = soundfile.read(tmp_path / "call.flac", dtype="int16")
    assert abs(late_ms(heard[:, 0], user, RATE)) < 2
    assert abs(late_ms(heard[:, 1], agent, RATE)) < 1
    assert not heard[int(8.1 * RATE) : int(14.9 * RATE), 1].any()
