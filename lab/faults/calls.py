"""Clients that send too much, read too little, or disappear."""

from collections import Counter

from audiowriter.v1 import audio_writer_pb2 as pb
from support.server import FRAME, Stream, channel_to, poll
from support.streams import config

from lab.faults.beside import Beside, speech
from lab.faults.watch import MB, Watched

_AT_ONCE = 50


def cancelled_streams(server: Watched, tries: int) -> Counter[str]:
    """Cancel streams in the middle, fifty at a time."""
    seen: Counter[str] = Counter()
    mp3 = pb.EncodeStreamRequest(config=config("mp3"))
    with Beside(server.target), channel_to(server) as channel:
        for _ in range(tries // _AT_ONCE):
            streams = [Stream(channel, mp3).start() for _ in range(_AT_ONCE)]
            for number, stream in enumerate(streams):
                for _ in range(number % 10):
                    stream.send(pb.EncodeStreamRequest(pcm=FRAME))
                stream.call.cancel()
            seen.update(stream.error().code.name for stream in streams)
        poll(lambda: server.live() == 1, "cancelled streams are still live")
        assert Counter(line["code"] for line in server.calls()) == {"CANCELLED": tries}
    assert seen == {"CANCELLED": tries}
    return seen


def oversized_metadata(server: Watched, tries: int) -> Counter[str]:
    """Send too much metadata: just over the limit, far over it, and so much that it needs CONTINUATION frames."""
    seen: Counter[str] = Counter()
    with Beside(server.target), channel_to(server) as channel:
        for number in range(tries):
            size = (9_000, 100_000, 1_000_000)[number % 3]
            error = Stream(channel, metadata=[("x-much", "a" * size)]).error()
            assert error.code.name == ("INVALID_ARGUMENT" if error.info.reason else "RESOURCE_EXHAUSTED"), error.code
            seen[error.info.reason or "RESOURCE_EXHAUSTED by gRPC"] += 1
        assert not any(line["received"] for line in server.calls()), "a call with too much metadata was accepted"
    return seen


def silent_streams(server: Watched, tries: int) -> Counter[str]:
    """Open streams that never send a message."""
    with Beside(server.target), channel_to(server) as channel:
        streams = [Stream(channel, None) for _ in range(tries)]
        seen = Counter(stream.error().info.reason for stream in streams)
    assert seen == {"FIRST_MESSAGE_TIMEOUT_EXCEEDED": tries}
    return seen


def flooding_writer(server: Watched, tries: int) -> Counter[str]:
    """Send 64 MiB in messages of 1 MiB per stream, as fast as possible: the server must slow them down, not buffer them."""
    seen: Counter[str] = Counter()
    opus = pb.EncodeStreamRequest(config=config("opus", 48000, 2))
    pcm = pb.EncodeStreamRequest(pcm=speech(1024 * 1024))
    with Beside(server.target), channel_to(server) as channel:
        streams = [Stream(channel, opus) for _ in range(tries)]
        for stream in streams:
            for _ in range(64):
                stream.send(pcm)
        for stream in streams:
            poll(lambda each=stream: next(each.call).chunk.input_samples > 10 * 48000, "no progress")
            stream.call.cancel()
            seen[stream.error().code.name] += 1
    grown = server.grown()
    assert grown < tries * 8 * MB + 16 * MB, f"with 64 MiB per writer the server grew by {grown / MB:.0f} MB"
    return Counter({"slowed down": tries})


def stopped_reader(server: Watched, tries: int) -> Counter[str]:
    """Write and do not read: this costs less than 1 MB per stream, and ends with a named error."""
    pcm = pb.EncodeStreamRequest(pcm=speech(64 * 1024))
    with Beside(server.target), channel_to(server) as channel:
        streams = [Stream(channel) for _ in range(tries)]
        for stream in streams:
            for _ in range(256):  # 16 MiB: more than all buffers in between
                stream.send(pcm)
        poll(
            lambda: server.ended("STALLED_READER_TIMEOUT_EXCEEDED") == tries,
            "streams of stopped readers are still live",
        )
        seen = Counter(stream.error().info.reason for stream in streams)
    assert server.grown() / tries < MB, f"a stopped reader costs {server.grown() / tries / MB:.1f} MB"
    assert seen == {"STALLED_READER_TIMEOUT_EXCEEDED": tries}
    return seen
