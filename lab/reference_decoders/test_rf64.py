"""WAV beyond 4 GiB: the header's counters, and one real run that needs no disk space, because the file is sparse."""

from pathlib import Path
from struct import unpack_from

import pytest
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_core.muxers import riff as wav
from audiowriter_server.rpc.session import Session

from lab.reference_decoders import layouts
from lab.reference_decoders.complaints import complaints
from lab.reference_decoders.product import crc32c_on_disk, metadata
from lab.reference_decoders.tools import run

RATE, CHANNELS, FRAME_BYTES = 192_000, 8, 64  # F64LE
GIB = 1 << 30
UNKNOWN = 0xFFFFFFFF


def header(frames: int | None) -> bytes:
    return wav.header(format_tag=wav.PCM, bits=16, sample_rate=48000, channels=1, frames=frames)


def test_rf64_starts_where_riff_ends() -> None:
    size = len(header(0))
    last = (UNKNOWN - 1 + 8 - size) // 2
    riff, rf64 = layouts.riff(header(last)), layouts.riff(header(last + 1))
    assert riff["RIFF"] == b"RIFF" + (size + 2 * last - 8).to_bytes(4, "little")
    assert rf64["RIFF"] == b"RF64" + b"\xff" * 4
    assert unpack_from("<QQQI", rf64["ds64"]) == (size + 2 * (last + 1) - 8, 2 * (last + 1), last + 1, 0)
    assert len(header(last + 1)) == size == len(header(None))


def test_ds64_is_where_ffmpeg_writes_it(tmp_path: Path) -> None:
    target = tmp_path / "theirs.wav"
    tone = ("-f", "lavfi", "-i", "sine=duration=1:sample_rate=48000")
    assert not run("ffmpeg", "-v", "error", *tone, "-rf64", "always", target)[1]
    theirs, ours = target.read_bytes(), header(GIB * 4)
    assert theirs[:20] == ours[:20]  # RF64, -1, WAVE, ds64 and its length
    assert layouts.wave_format(layouts.riff(theirs)["fmt "]) == layouts.wave_format(layouts.riff(ours)["fmt "])


@pytest.mark.timeout(1200)
def test_real_run_beyond_4_gib(long: None, tmp_path: Path) -> None:
    config = pb.StreamConfig(
        input=pb.PcmInput(sample_format=pb.SAMPLE_FORMAT_F64LE, sample_rate_hz=RATE, channels=CHANNELS),
        output=pb.AudioOutput(format=pb.AUDIO_FORMAT_WAV, metadata=metadata({"title": "Longer than four gibibytes"})),
    )
    session = Session()
    head = b"".join(response.chunk.data for response in session.receive(pb.EncodeStreamRequest(config=config)))
    message = pb.EncodeStreamRequest(pcm=bytes(1 << 20))
    messages = 4 * GIB // len(message.pcm) + 1
    received = len(head)
    for _ in range(messages):
        received += sum(len(response.chunk.data) for response in session.receive(message))
    finished = session.finish()[-1].finished
    session.close()
    frames = messages * len(message.pcm) // FRAME_BYTES
    assert finished.totals.file_bytes == received
    assert finished.totals.output_samples == frames

    file = tmp_path / "file.wav"
    with file.open("wb") as sparse:
        sparse.write(finished.header)
        sparse.truncate(finished.totals.file_bytes)
    assert crc32c_on_disk(file) == finished.totals.file_crc32c
    shown = ("-of", "csv=p=0", "-show_entries", "stream=duration_ts,channels")
    printed, warnings = run("ffprobe", "-v", "warning", *shown, file)
    assert printed == f"{CHANNELS},{frames}\n".encode()
    assert list(complaints("ffprobe", "wav", warnings)) == []
    assert run("mediainfo", "--Inform=Audio;%SamplingCount% %Channels%", file) == (
        f"{frames} {CHANNELS}\n".encode(),
        "",
    )
