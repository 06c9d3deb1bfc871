"""Properties that every format must have, tested for every entry of the table."""

import hashlib
import subprocess
import sys
from pathlib import Path

import google_crc32c
import numpy as np
import pytest
from audiowriter_core import FORMATS, AudioEncoder, Chunk, Format, InvalidArgument
from audiowriter_core.audio.arrays import Pcm
from audiowriter_core.audio.converter import PcmConverter
from hypothesis import given, settings
from hypothesis import strategies as st
from support.decode import JUDGES, by_libsndfile
from support.encode import Encoded, Request, collect, config, encode, resolve, run, speechlike
from support.ogg import without_serials

formats = pytest.mark.parametrize("name", list(FORMATS))

SPEECH = speechlike(24000)
PCM = SPEECH.tobytes()


def spec(name: str) -> Format:
    return FORMATS[name]


@formats
def test_empty_stream_is_a_valid_file(name: str) -> None:
    encoded = encode(config(name), b"")
    over = encoded.finished.delay_samples + encoded.finished.padding_samples
    # stb_vorbis rejects a stream without audio; libvorbis does not.
    decode = by_libsndfile if name == "vorbis" else JUDGES[name]
    if name != "flac":  # dr_flac treats a total of 0 as unknown; test_flac tests it
        assert len(decode(encoded.file)) == (0 if spec(name).sample_exact else over)
    assert encoded.finished.output_samples == encoded.finished.duration_s == 0


@formats
@pytest.mark.parametrize("frames", [1, 2, 1023, 1024, 1025, 4096, 4097, 24000])
def test_decoded_length_is_that_of_the_input(name: str, frames: int) -> None:
    encoded = encode(config(name), PCM[: 2 * frames])
    finished = encoded.finished
    decoded = JUDGES[name](encoded.file)
    assert finished.input_samples == finished.output_samples == frames
    if spec(name).sample_exact:
        assert len(decoded) == frames
    else:
        assert len(decoded) == finished.delay_samples + frames + finished.padding_samples


@formats
def test_lossless_formats_keep_every_sample(name: str) -> None:
    decoded = JUDGES[name](encode(config(name), PCM).file)
    if spec(name).lossless:
        np.testing.assert_array_equal(decoded, SPEECH)
    else:
        start = 0 if spec(name).sample_exact else encode(config(name), PCM).finished.delay_samples
        heard = decoded[start : start + len(SPEECH), 0].astype(float)
        assert np.corrcoef(heard, SPEECH[:, 0])[0, 1] > 0.95, "decoded audio is aligned with the input"


@formats
@settings(max_examples=12, deadline=None)
@given(cuts=st.lists(st.integers(0, len(PCM)), max_size=12))
def test_the_file_does_not_depend_on_how_the_input_is_cut(name: str, cuts: list[int]) -> None:
    whole = encode(config(name), PCM)
    cut = encode(config(name), PCM, cuts)
    assert without_serials(cut.file) == without_serials(whole.file)
    assert without_serials(cut.finished.header) == without_serials(whole.finished.header)


@formats
def test_one_byte_per_call_results_in_the_same_file(name: str) -> None:
    pcm = PCM[:6000]
    assert without_serials(encode(config(name), pcm, range(len(pcm))).file) == without_serials(
        encode(config(name), pcm).file
    )


@formats
@pytest.mark.parametrize("kind", ["array", "bytearray"])
def test_a_buffer_may_be_reused_after_each_write(name: str, kind: str) -> None:
    memory = bytearray(960)
    buffer: Pcm = np.frombuffer(memory, np.int16) if kind == "array" else memory
    reused = Encoded()
    with AudioEncoder(**config(name)) as encoder:
        for start in range(0, len(PCM), 960):
            memory[:] = PCM[start : start + 960]
            collect(encoder.write(buffer), reused)
        memory[:] = b"\x7f" * 960
        collect(encoder.finish(), reused)
    fresh = encode(config(name), PCM)
    assert without_serials(reused.file) == without_serials(fresh.file)
    assert reused.finished.peak == fresh.finished.peak


@formats
def test_header_replaces_a_prefix_that_was_sent(name: str) -> None:
    encoded = encode(config(name), PCM)
    assert bool(encoded.finished.header) == spec(name).finalizes_header
    assert len(encoded.finished.header) <= len(encoded.chunks[0].data if encoded.chunks else b"")
    if spec(name).finalizes_header:
        assert encoded.file != encoded.live


@formats
def test_live_bytes_decode_without_the_header(name: str) -> None:
    encoded = encode(config(name), PCM)
    decoded = JUDGES[name](encoded.live)
    if spec(name).lossless:
        np.testing.assert_array_equal(decoded, SPEECH)
    else:
        assert len(decoded) >= len(SPEECH)


@formats
def test_samples_in_the_carry_delay_no_byte(name: str) -> None:
    options = resolve(config(name))
    encoder, stream = FORMATS[name].open(options.output), AudioEncoder(**config(name))
    converter = PcmConverter(options, clip_floats=not spec(name).lossless)
    encoder.start()
    stream.start()
    for start in range(0, len(SPEECH), 480):
        frame = SPEECH[start : start + 480]
        chunks = [event for event in stream.write(frame.tobytes()) if isinstance(event, Chunk)]
        assert sum(len(chunk.data) for chunk in chunks) == len(encoder.encode(converter.convert(frame)))
        assert all(chunk.input_samples == start + len(frame) for chunk in chunks)
    encoder.close()
    stream.close()


@formats
def test_nan_is_refused_immediately(name: str) -> None:
    stream = AudioEncoder(**config(name, sample_format="F32LE"))
    stream.start()
    with pytest.raises(InvalidArgument, match="nan at frame 1, channel 0"):
        stream.write(np.array([0, np.nan], "<f4").tobytes())
    stream.close()


@formats
def test_totals_and_hash_are_correct(name: str) -> None:
    encoded = encode(config(name), PCM)
    finished = encoded.finished
    assert finished.file_bytes == len(encoded.live) == len(encoded.file)
    assert finished.sent_sha256 == hashlib.sha256(encoded.live).digest()
    assert finished.file_crc32c == google_crc32c.value(encoded.file)
    assert finished.duration_s == 1
    assert finished.peak == pytest.approx(np.abs(SPEECH.astype(int)).max() / 32768)
    assert finished.clipped_samples == 0
    assert finished.delay_samples == encoded.started.delay_samples


@formats
def test_started_has_mime_type_and_extension(name: str) -> None:
    started = encode(config(name), b"").started
    assert started.output == resolve(config(name)).output
    assert started.mime_type == spec(name).mime_type
    assert started.file_extension == spec(name).file_extension


@formats
def test_close_may_be_called_twice_and_early_and_after_an_error(name: str) -> None:
    unused = AudioEncoder(**config(name))
    unused.close()
    unused.close()
    stream = AudioEncoder(**config(name))
    stream.write(PCM[:9000])
    stream.close()
    stream.close()
    failed = AudioEncoder(**config(name))
    failed.write(PCM[:9001])
    with pytest.raises(InvalidArgument, match="ends with 1 of the 2 bytes"):
        failed.finish()
    failed.close()


@formats
def test_tags_do_not_change_the_audio(name: str) -> None:
    tags = dict.fromkeys(spec(name).tags, "Ünïcode ☃ " * 500) | dict.fromkeys(spec(name).container.integer_tags, "-7")
    encoded = encode(config(name, tags=tags), PCM)
    if tags:
        assert "☃".encode() in encoded.file
    assert len(JUDGES[name](encoded.file)) == len(JUDGES[name](encode(config(name), PCM).file))


@formats
def test_flush_is_answered_and_does_not_change_the_audio(name: str) -> None:
    def asked() -> list[Request]:
        return [
            Request(config=config(name), flush=True),
            Request(pcm=PCM[:9600], flush=True),
            Request(pcm=PCM[9600:]),
        ]

    encoded = run(asked())
    assert [flushed.input_samples for flushed in encoded.flushed] == [0, 4800]
    assert 0 <= encoded.flushed[1].held_samples <= spec(name).lookahead_samples
    if name in ("wav", "pcm"):
        assert encoded.flushed[1].held_samples == 0
    if name == "opus":
        assert encoded.flushed[1].held_samples < 960, "no more than one frame and the codec's lookahead"
    assert len(JUDGES[name](encoded.file)) == len(JUDGES[name](encode(config(name), PCM).file))


def threads() -> int:
    """Return the number of threads, including native ones."""
    return sum(1 for _ in Path("/proc/self/task").iterdir())


@formats
def test_a_stream_starts_no_thread(name: str) -> None:
    before = threads()
    streams = [AudioEncoder(**config(name)) for _ in range(4)]
    for stream in streams:
        stream.write(PCM)
    assert threads() == before
    for stream in streams:
        stream.close()


@formats
@pytest.mark.timeout(600)  # it takes up to 16 s of CPU time
def test_an_hour_of_audio_in_bounded_memory(name: str) -> None:
    hour = Path(__file__).with_name("hour.py")
    # Without variables, because coverage would start itself, and take as much time again.
    command = [sys.executable, str(hour), name]
    done = subprocess.run(command, env={}, capture_output=True, text=True, check=True, timeout=590)
    grown_kib = int(done.stdout)
    assert grown_kib < 2048, f"{grown_kib} KiB more than after the first minute"
