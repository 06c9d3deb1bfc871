"""Checks that Envoy passes refusals on to clients, and that Envoy's own limits are not reached first."""

import grpc
from support.names import Names
from support.server import Error, ServerProcess, Stream, channel_to, poll

from lab.envoy.envoy import Envoy, free_ports, one_server

IDLE_S = 3.0
ADDRESSES = ("127.0.0.2", "127.0.0.3")
STREAMS = 20
EXPECTED = {
    "a full server": "UNAVAILABLE (MAX_STREAMS_EXCEEDED), retry after 1 s",
    "an idle client": "ABORTED (IDLE_TIMEOUT_EXCEEDED)",
    "no server": "UNAVAILABLE: no healthy upstream",
    "streams with one of two servers full": f"{STREAMS} accepted",
}


def run() -> bool:
    """Provoke each refusal and print it. Return whether all are as expected."""
    outcomes: dict[str, str] = {}
    with one_server("--max-streams=1", f"--idle-timeout={IDLE_S}") as (server, envoy):
        with channel_to(envoy.target) as channel:
            silent = Stream(channel).start()
            outcomes["a full server"] = _words(Stream(channel).error())
            outcomes["an idle client"] = _words(silent.error())
        server.signal()
        envoy.wait_until_healthy()
        with channel_to(envoy.target) as channel:
            outcomes["no server"] = _words(Stream(channel).error())
    outcomes["streams with one of two servers full"] = _one_of_two()
    for what, words in outcomes.items():
        print(f"{what}: {words}")
    expected = all(words.startswith(EXPECTED[what]) for what, words in outcomes.items())
    return expected and outcomes.keys() == EXPECTED.keys()


def _one_of_two() -> str:
    """Open streams at once while one of two servers is full; only Envoy retries."""
    (port,) = free_ports(1)
    flags = [f"--port={port}", "--idle-timeout=600"]
    with (
        ServerProcess(f"--host={ADDRESSES[0]}", *flags, "--max-streams=1") as full,
        ServerProcess(f"--host={ADDRESSES[1]}", *flags) as empty,
        channel_to(full) as direct,
        Names(ADDRESSES) as names,
        Envoy(names, port) as envoy,
    ):
        held = Stream(direct).start()
        envoy.wait_until_healthy(full.target, empty.target)
        taken = 0
        with channel_to(envoy.target) as channel:
            streams = [Stream(channel) for _ in range(STREAMS)]
            for stream in streams:
                try:
                    stream.start().finish()
                    taken += 1
                except grpc.RpcError as error:
                    print(f"  refused: {_words(Error(error))}")
        poll(lambda: len(envoy.calls) >= STREAMS, "the access log does not contain all streams")
        again = sum(int(call["attempts"]) > 1 for call in envoy.calls)
        held.call.cancel()
        held.half_close()
    return f"{taken} accepted, {again} of them in a later attempt"


def _words(error: Error) -> str:
    words = f"{error.code.name} ({error.info.reason})" if error.info.reason else f"{error.code.name}: {error.text}"
    retry_s = error.retry.retry_delay.ToMilliseconds() / 1000
    return f"{words}, retry after {retry_s:g} s" if retry_s else words
