"""Lossy files compared with the input, and with the reference encoder's files at the same setting. Mono speech."""

from math import ceil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter.v1.audio_writer_pb2_grpc import AudioWriterServiceStub
from audiowriter_server.rpc.format_info import list_formats

from lab.reference_decoders import matrix, measures
from lab.reference_decoders.cases import rates
from lab.reference_decoders.judges import RAW
from lab.reference_decoders.measures import Channel
from lab.reference_decoders.product import Order, make
from lab.reference_decoders.reference_encoders import (
    FFMPEG_AAC,
    LAME,
    OGGENC,
    OPUSENC,
    Reference,
    bitrates,
    decode,
    qualities,
    quality,
)
from lab.reference_decoders.signals import SPEECH_RATE, speech

FORMATS = {info.name: info for info in list_formats().formats}

SNR_TOLERANCE_DB = 0.3
DISTANCE_TOLERANCE_DB = 0.25
"""Far below the audible difference of about 1 dB, and above the effect of a few per cent in size."""

REFERENCES = [
    *bitrates("mp3", LAME, "--cbr -b {}", 24, 32, 64, 96),
    *qualities("mp3", LAME, {"-V 0": 1, "-V 4": 5 / 9, "-V 7": 2 / 9}),
    *bitrates("opus", OPUSENC, "{}", 16, 24, 48, 96),
    *qualities("vorbis", OGGENC, {"0": 0, "4": 0.4, "8": 0.8}),
    *bitrates("aac", FFMPEG_AAC, "", 32, 48, 64, 96),
]


def speech_at(rate: int) -> Channel:
    samples: Channel = soxr.resample(speech() / 32768, SPEECH_RATE, rate)
    return np.rint(samples * 32767) / 32768


KEEP_DELAY = ("aac", "fmp4")
"""ADTS has no field for its delay; fragmented MP4 has one, but FFmpeg 5 ignores it, also in its own files."""
DELAY_TOLERANCE_S = {"opus": 2 / 48000}
"""At rates at which SILK is used opusdec is up to two samples early, also with opusenc's files."""

LOWEST_RATE = 7350
"""Below this sample rate the decoded speech is too different to measure its delay."""
LOSSY = [(info, rate) for info in FORMATS.values() if not info.lossless for rate in rates(info) if rate >= LOWEST_RATE]


@pytest.mark.parametrize(("info", "rate"), LOSSY, ids=[f"{info.name}-{rate}Hz" for info, rate in LOSSY])
def test_decoded_speech_has_the_right_delay(
    info: pb.FormatInfo,
    rate: int,
    server: AudioWriterServiceStub,
    tmp_path: Path,
    record_property: matrix.Record,
) -> None:
    source = speech_at(rate)[: 3 * rate]
    product = make(server, Order(info, rate), source[:, None], tmp_path)
    raw = RAW[info.name](product.started.output) if info.name in RAW else None
    lag = measures.delay(source, decode(product.file, rate, raw=raw)[:, 0])
    right = product.totals.delay_samples if info.name in KEEP_DELAY else 0
    content = abs(lag - right) <= ceil(DELAY_TOLERANCE_S.get(info.name, 0) * rate)
    matrix.record(record_property, info.name, "delay", content=content)
    assert content, f"{lag} samples late, expected {right}"


@pytest.mark.parametrize("reference", REFERENCES, ids=str)
def test_quality_is_no_worse_than_the_reference_encoders(
    reference: Reference, server: AudioWriterServiceStub, tmp_path: Path, record_property: matrix.Record
) -> None:
    source = speech()[:, None] / 32768
    order = Order(FORMATS[reference.format_name], SPEECH_RATE, output=reference.output)
    product = make(server, order, source, tmp_path)
    wave, theirs = tmp_path / "source.wav", tmp_path / f"theirs{product.started.file_extension}"
    soundfile.write(wave, source, SPEECH_RATE, subtype="PCM_16")
    reference.encode_alike(wave, theirs, product.file.stat().st_size)
    ours, reference_quality = (quality(source, file, SPEECH_RATE) for file in (product.file, theirs))
    content = ours.no_worse_than(
        reference_quality, snr_tolerance_db=SNR_TOLERANCE_DB, distance_tolerance_db=DISTANCE_TOLERANCE_DB
    )
    matrix.record(record_property, reference.format_name, reference.judge, content=content)
    figures = f"{reference}: {ours}; theirs: {reference_quality}"
    print(figures)
    assert content, figures
