from contextlib import closing

import pytest
from audiowriter.v1.audio_writer_pb2 import EncodeStreamRequest, ResumePoint, StreamConfig
from audiowriter_client import stream_config
from audiowriter_client.requests import MESSAGE_BYTES, QUEUE_BYTES, RequestQueue, cut
from audiowriter_client.spool import SPOOL_BYTES, Spool
from hypothesis import given
from hypothesis import strategies as st

CONFIG = stream_config(format="wav", sample_rate_hz=8000)


def take_all(queue: RequestQueue) -> list[EncodeStreamRequest]:
    taken = []
    while queue.ready:
        taken.append(queue.take())
    return taken


@given(length=st.integers(0, 5 * MESSAGE_BYTES))
def test_pieces_are_complete_and_fit(length: int) -> None:
    pcm = memoryview(bytes(range(256)) * (length // 256 + 1))[:length]
    pieces = [piece for piece, _ in cut(pcm)]
    assert b"".join(pieces) == pcm
    assert all(0 < len(piece) <= MESSAGE_BYTES for piece in pieces)


# A step is a write of this many bytes, a flush (None) or the sender taking a message (True).
STEPS = st.lists(st.none() | st.just(True) | st.integers(0, 1000) | st.integers(0, 3 * MESSAGE_BYTES), max_size=20)


def run(queue: RequestQueue, steps: list[int | bool | None]) -> tuple[list[EncodeStreamRequest], bytes, list[int]]:
    """Return the messages, all PCM, and the positions of the flushes in it."""
    taken, put, flushed_at = list[EncodeStreamRequest](), bytearray(), list[int]()
    for step in steps:
        if step is True:
            if queue.ready:
                taken.append(queue.take())
        elif step is None:
            queue.put_flush()
            flushed_at.append(len(put))
        else:
            pcm = bytes([len(put) % 251]) * step
            for piece, _ in cut(memoryview(pcm)):
                queue.put(piece)
            put += pcm
    return taken + take_all(queue), bytes(put), flushed_at


@given(steps=STEPS)
def test_spool_changes_no_message(steps: list[int | bool | None]) -> None:
    """So the spools of its clients cost a server nothing."""
    queue = RequestQueue(CONFIG, spool_bytes=SPOOL_BYTES)
    with closing(queue.spool):
        assert run(queue, steps) == run(RequestQueue(CONFIG), steps)


@given(steps=STEPS)
def test_messages_contain_all_items_in_order(steps: list[int | bool | None]) -> None:
    taken, put, flushed_at = run(RequestQueue(CONFIG), steps)
    assert b"".join(request.pcm for request in taken) == put
    assert all(len(request.pcm) <= MESSAGE_BYTES for request in taken)
    position, flushes = 0, []
    for request in taken:
        position += len(request.pcm)
        flushes += [position] * request.HasField("flush")
    assert flushes == flushed_at


def test_config_is_alone_in_the_first_message() -> None:
    config = StreamConfig()
    config.CopyFrom(CONFIG)
    queue = RequestQueue(config)
    config.Clear()  # the caller may change its config
    queue.put(memoryview(b"ab"))
    assert take_all(queue) == [EncodeStreamRequest(config=CONFIG), EncodeStreamRequest(pcm=b"ab")]


def test_restarted_stream_begins_with_its_config() -> None:
    queue = RequestQueue(CONFIG)
    queue.put(memoryview(b"ab"))
    queue.take()
    queue.begin_again()
    assert take_all(queue) == [EncodeStreamRequest(config=CONFIG), EncodeStreamRequest(pcm=b"ab")]


@given(steps=STEPS, again_at=st.integers(0, 20), twice=st.booleans())
def test_everything_is_sent_again_and_then_the_rest(steps: list[int | bool | None], again_at: int, twice: bool) -> None:
    """True takes a message; after `again_at` steps the stream begins again, and perhaps once more in between."""
    whole, queue = RequestQueue(CONFIG), RequestQueue(CONFIG, spool_bytes=1 << 30)
    taken: list[EncodeStreamRequest] = []
    for number, step in enumerate(steps):
        if number == again_at:
            queue.begin_again(ResumePoint(offset=number))
            if twice:
                for _ in range(2):
                    if queue.ready:
                        queue.take()
                queue.begin_again(ResumePoint(offset=number))
            taken.clear()
        if step is True:
            if queue.ready:
                taken.append(queue.take())
        elif step is None:
            whole.put_flush()
            queue.put_flush()
        else:
            for piece, _ in cut(memoryview(bytes([number]) * step)):
                whole.put(piece)
                queue.put(piece)
    taken += take_all(queue)
    assert flat(taken) == flat(take_all(whole))
    assert all(len(request.pcm) <= MESSAGE_BYTES for request in taken)
    assert [request.HasField("config") for request in taken] == [True] + [False] * (len(taken) - 1)
    assert taken[0].HasField("resume") == (again_at < len(steps))
    queue.spool.close()


PLACED = stream_config(format="wav", sample_rate_hz=8000, channels=3, max_skew_ms=1000)

# A step is a write of samples with a position and a channel, a flush (None), or the sender taking a message (True).
WRITES = st.tuples(
    st.integers(1, 500) | st.integers(1, MESSAGE_BYTES), st.none() | st.integers(0, 2000), st.integers(1, 3)
)
PLACED_STEPS = st.lists(st.none() | st.just(True) | WRITES | WRITES | WRITES, max_size=20)


@given(steps=PLACED_STEPS, again_at=st.integers(0, 20), gather=st.sampled_from([0, 1000]))
def test_places_are_kept_also_when_everything_is_sent_again(
    steps: list[bool | tuple[int, int | None, int] | None], again_at: int, gather: int
) -> None:
    queue = RequestQueue(PLACED, 1 << 30, gather, sample_bytes=2)
    taken: list[EncodeStreamRequest] = []
    written: list[tuple[int, int, int] | None] = []
    following = {1: 0, 2: 0, 3: 0}
    for number, step in enumerate(steps):
        if number == again_at:
            queue.begin_again(ResumePoint(offset=number))
            taken.clear()
        if step is True:
            if queue.ready:
                taken.append(queue.take())
        elif isinstance(step, tuple):
            samples, position, channel = step
            for piece, at in cut(memoryview(bytes([number]) * 2 * samples), position):
                queue.put(piece, at, channel)
            start = following[channel] if position is None else position
            following[channel] = start + samples
            written.append((channel, start * 2, samples * 2))
        else:
            queue.put_flush()
            written.append(None)
    queue.end()
    taken += take_all(queue)
    assert places(taken) == joined(written)
    assert all(len(request.pcm) <= MESSAGE_BYTES for request in taken)
    queue.spool.close()


def places(requests: list[EncodeStreamRequest]) -> list[tuple[int, int, int] | None]:
    """Return channel, start and length of each run of PCM, in bytes of a channel; None: a flush."""
    found: list[tuple[int, int, int] | None] = []
    following = {0: 0, 1: 0, 2: 0, 3: 0}
    for request in requests:
        start = request.position * 2 if request.HasField("position") else following[request.channel]
        if request.pcm:
            following[request.channel] = start + len(request.pcm)
            found.append((request.channel, start, len(request.pcm)))
        if request.HasField("flush"):
            found.append(None)
    return joined(found)


def joined(runs: list[tuple[int, int, int] | None]) -> list[tuple[int, int, int] | None]:
    together: list[tuple[int, int, int] | None] = []
    for run in runs:
        last = together[-1] if together else None
        if run and last and last[0] == run[0] and last[1] + last[2] == run[1]:
            together[-1] = (run[0], last[1], last[2] + run[2])
        else:
            together.append(run)
    return together


def test_pcm_is_gathered_until_there_is_enough_a_flush_or_the_end() -> None:
    queue = RequestQueue(CONFIG, gather_bytes=100)
    assert queue.take().HasField("config"), "the config does not wait"
    queue.put(memoryview(bytes(99)))
    assert not queue.ready
    queue.put(memoryview(bytes(1)))
    assert len(queue.take().pcm) == 100
    queue.put(memoryview(bytes(7)))
    queue.put_flush()
    assert len(queue.take().pcm) == 7
    queue.put(memoryview(bytes(5)))
    assert not queue.ready
    queue.end()
    assert len(queue.take().pcm) == 5


def flat(requests: list[EncodeStreamRequest]) -> tuple[bytes, list[int]]:
    """Return the PCM and the positions of the flushes."""
    pcm, flushes = bytearray(), []
    for request in requests:
        pcm += request.pcm
        if request.HasField("flush"):
            flushes.append(len(pcm))
    return bytes(pcm), flushes


@pytest.mark.parametrize("flush", [False, True])
def test_spool_ends_at_its_limit(flush: bool) -> None:
    spool = Spool(1000)
    spool.add(bytes(1000 - 8 * flush), flush)
    assert spool.complete
    spool.rewind()
    assert spool.take(2000) == (bytes(1000 - 8 * flush), flush, (None, 0))
    for _ in range(2):
        spool.add(b"x", True)
    spool.rewind()
    assert not spool.behind, "nothing is left"


def test_small_writes_are_joined() -> None:
    queue = RequestQueue(CONFIG)
    for _ in range(MESSAGE_BYTES // 1024 + 1):
        queue.put(memoryview(bytes(1024)))
    assert [len(request.pcm) for request in take_all(queue)] == [0, MESSAGE_BYTES, 1024]


def test_queue_is_full_until_a_message_is_taken() -> None:
    queue, fill = RequestQueue(CONFIG), list[bool]()
    for _ in range(QUEUE_BYTES // MESSAGE_BYTES):
        fill.append(queue.full)
        queue.put(memoryview(bytes(MESSAGE_BYTES)))
    for _ in ("config", "pcm"):
        fill.append(queue.full)
        queue.take()
    fill.append(queue.full)
    assert fill == [False, False, False, False, True, True, False]


def test_caller_may_reuse_its_buffer() -> None:
    queue, buffer = RequestQueue(CONFIG), bytearray(b"abcd")
    queue.put(memoryview(buffer))
    buffer[:] = b"wxyz"
    queue.take()
    assert queue.take().pcm == b"abcd"
