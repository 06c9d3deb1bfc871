"""AAC: ADTS headers, delay and padding in `finished`, every sample rate."""

from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from audiowriter_core.muxers import adts
from mutagen.mp4 import MP4
from support.decode import by_ffmpeg
from support.encode import config, encode, speechlike

ROOT = Path(__file__).parents[2]


def frames(file: bytes) -> list[tuple[int, int, int]]:
    """Return rate, channels and length of each ADTS frame; fail if there are other bytes between them."""
    found = []
    while file:
        bits = int.from_bytes(file[:7], "big")
        assert bits >> 44 == 0xFFF
        assert bits >> 40 & 0xF == 1, "MPEG-4, layer 0, no CRC"
        length = bits >> 13 & 0x1FFF
        found.append((adts.SAMPLE_RATES[bits >> 34 & 0xF], bits >> 30 & 7, length))
        assert length <= len(file)
        file = file[length:]
    return found


@pytest.mark.parametrize("channels", [1, 2, 3, 5, 6])
@pytest.mark.parametrize("rate", adts.SAMPLE_RATES)
def test_every_frame_contains_rate_and_channels(rate: int, channels: int) -> None:
    encoded = encode(config("aac", rate, channels), speechlike(rate // 4, rate, channels).tobytes())
    found = frames(encoded.file)
    assert {(found_rate, found_channels) for found_rate, found_channels, _ in found} == {(rate, channels)}
    finished = encoded.finished
    assert len(found) * 1024 == finished.delay_samples + finished.output_samples + finished.padding_samples
    assert by_ffmpeg(encoded.file).shape[0] == len(found) * 1024


@pytest.mark.parametrize("effort", [5, 10])
@pytest.mark.parametrize("bitrate", [24_000, 48_000, 64_000, 96_000])
def test_the_bitrate_is_met_on_average(bitrate: int, effort: int) -> None:
    speech, rate = soundfile.read(ROOT / "demo" / "speech.flac", dtype="int16")
    encoded = encode(config("m4a", rate, bitrate_bps=bitrate, effort=effort), speech.tobytes() * 8)
    info: Any = MP4(BytesIO(encoded.file)).info
    assert info.bitrate == pytest.approx(bitrate, rel=0.02)


@pytest.mark.parametrize(("rate", "channels"), [(8000, 2), (44100, 1), (44100, 2), (48000, 6), (96000, 2)])
@pytest.mark.parametrize("length", [0, 1, 2, 500, 1023, 1024, 1025])
def test_the_shortest_streams_are_recognised(length: int, rate: int, channels: int) -> None:
    """FFmpeg detects many files of fewer than three frames as another format."""
    noise = np.random.default_rng(7).integers(-16000, 16000, (length, channels), dtype=np.int16)
    encoded = encode(config("aac", rate, channels), noise.tobytes())
    finished = encoded.finished
    assert len(frames(encoded.file)) >= 3
    assert len(frames(encoded.file)) * 1024 == finished.delay_samples + length + finished.padding_samples
    with av.open(BytesIO(encoded.file)) as container:
        assert container.format.name == "aac"
    assert by_ffmpeg(encoded.file).shape == (len(frames(encoded.file)) * 1024, channels)


@pytest.mark.parametrize("bitrate", [128_000, 256_000])
@pytest.mark.parametrize("amplitude", [0.1, 0.35, 0.5, 0.7, 0.9])
def test_loud_tones_keep_their_level(amplitude: float, bitrate: int) -> None:
    """FFmpeg's fast coder decodes to 0.73 of this tone at 0.9, with 9 dB of SNR."""
    rate = 48_000
    tone = amplitude * np.sin(2 * np.pi * 997 * np.arange(3 * rate) / rate)
    stereo = np.stack([tone, tone], 1).astype("<f4")
    encoded = encode(config("aac", rate, 2, "F32LE", bitrate_bps=bitrate), stereo.tobytes())
    start = encoded.finished.delay_samples
    decoded = by_ffmpeg(encoded.file)[start : start + len(tone)]
    middle = slice(rate // 2, -rate // 2)  # away from both ends
    sent, heard = tone[middle], decoded[middle, 0].astype(float)
    scale = 32768 if decoded.dtype == np.int16 else 1
    heard /= scale
    gain = heard @ sent / (sent @ sent)
    snr_db = 10 * np.log10(sent @ sent / ((heard - sent) @ (heard - sent)))
    assert gain == pytest.approx(1, abs=0.01)
    assert snr_db > 50
