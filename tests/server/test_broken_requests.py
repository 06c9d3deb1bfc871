"""Broken streams against a live server, with a healthy stream beside them."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter.v1.audio_writer_pb2_grpc import AudioWriterServiceStub
from support.ogg import without_serials
from support.server import FRAME, ServerProcess, channel_to
from support.streams import NAMES, Encoded, collect, config, encode, requests, speechlike

STREAMS = 4000
WORKERS = 8
GROWTH_BYTES = 24 * 1024 * 1024
"""Memory that the allocator may keep after the first thousand: it allocates messages of 1 MiB. Under 3 KB per stream."""

Request = pb.EncodeStreamRequest
NAN = b"\0\0\xc0\x7f"


def broken(rng: random.Random) -> tuple[list[Request] | bytes, set[str]]:
    """Return an invalid stream, and the statuses that it may end with."""
    name = rng.choice(list(NAMES))
    good = config(name)
    kind = rng.randrange(9)
    if kind == 0:
        return [Request(pcm=rng.randbytes(rng.randrange(1, 2000)))], {"FAILED_PRECONDITION"}
    if kind == 1:
        return [], {"FAILED_PRECONDITION"}
    if kind == 2:
        return [Request(config=good, pcm=FRAME), Request(config=config(name, 16000))], {"FAILED_PRECONDITION"}
    if kind == 3:
        return [Request(config=good, pcm=rng.randbytes(2 * rng.randrange(500) + 1))], {"INVALID_ARGUMENT"}
    if kind == 4:
        floats = config(name, sample_format="F32LE")
        return [Request(config=floats, pcm=bytes(4 * rng.randrange(1000)) + NAN)], {"INVALID_ARGUMENT"}
    if kind == 5:
        bad = config(name, rng.choice([0, 1, 999, 10**9]), rng.choice([9, 2**32 - 1]), tags={"mood": "blue"})
        return [Request(config=bad)], {"INVALID_ARGUMENT"}
    if kind == 6:
        unknown = pb.StreamConfig(input=good.input, output=pb.AudioOutput(format=rng.randrange(100, 2**31)))  # type: ignore[arg-type]
        return [Request(config=unknown)], {"INVALID_ARGUMENT"}
    if kind == 7:
        return [Request(config=good), Request(pcm=bytes(1024 * 1024 + 2))], {"INVALID_ARGUMENT"}
    return rng.randbytes(rng.randrange(1, 200)), {"FAILED_PRECONDITION", "INVALID_ARGUMENT"}


def test_broken_streams_get_their_status_and_harm_no_other_stream() -> None:
    pcm = speechlike(240_000).tobytes()
    pieces = [pcm[start : start + 960] for start in range(0, len(pcm), 960)]
    with ServerProcess() as server, channel_to(server) as channel, ThreadPoolExecutor(WORKERS + 1) as pool:
        # Bytes that are not a message can't be sent through the generated code.
        raw: Any = channel.stream_stream("/audiowriter.v1.AudioWriterService/EncodeStream")

        def one(seed: int) -> tuple[str, str]:
            stream, allowed = broken(random.Random(seed))
            messages = [stream] if isinstance(stream, bytes) else [message.SerializeToString() for message in stream]
            try:
                list(raw(iter(messages)))
            except grpc.RpcError as error:
                code, text = error.code().name, str(error.details())
            else:
                code, text = "OK", ""
            if isinstance(stream, bytes) and code == "OK":
                return code, text  # random bytes may be a message of unknown fields
            assert code in allowed, (seed, code, text)
            assert "Traceback" not in text
            assert "Exception" not in text, text
            return code, text

        def healthy() -> Encoded:
            encoded = Encoded()
            collect(AudioWriterServiceStub(channel).EncodeStream(requests(config("opus"), pieces)), encoded)
            return encoded

        list(pool.map(one, range(1000)))
        before = server.resident_bytes()
        beside = pool.submit(healthy)
        codes = Counter(code for code, _ in pool.map(one, range(1000, STREAMS)))
        assert without_serials(beside.result().file) == without_serials(encode(config("opus"), pcm).file)
        assert server.resident_bytes() - before < GROWTH_BYTES
    assert set(codes) >= {"FAILED_PRECONDITION", "INVALID_ARGUMENT"}
    internal = [line for line in server.log if "internal error" in str(line["message"])]
    assert not internal, internal[0]
