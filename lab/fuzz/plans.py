"""Random calls, planned before they are made, so that a seed repeats them: methods, messages, metadata and behaviour."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from lab.fuzz.messages import any_messages

Metadata = tuple[tuple[str, str | bytes], ...]

SERVICE = "/audiowriter.v1.AudioWriterService/"
_METHODS = {
    SERVICE + "EncodeStream": 12,
    SERVICE + "Encode": 4,
    SERVICE + "ResolveConfig": 4,
    SERVICE + "ListFormats": 1,
    SERVICE + "GetServerInfo": 1,
    SERVICE + "Missing": 1,
    "/grpc.health.v1.Health/Check": 2,
    "/grpc.health.v1.Health/Watch": 1,
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": 1,
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": 1,
}
"""How often each method is called."""

_CHARACTERS = "".join(map(chr, range(0x20, 0x7F)))


@dataclass(frozen=True)
class Plan:
    """One call."""

    method: str
    messages: tuple[bytes, ...]
    metadata: Metadata
    pause_s: float
    """Time between two messages."""
    half_closes: bool
    """False: the client sends its messages and then waits."""
    reads: bool
    cancel_after_s: float | None
    deadline_s: float | None

    @property
    def ends_by_itself(self) -> bool:
        """Whether the server has to end the call. `Watch` never ends."""
        return not self.method.endswith("/Watch")


def any_plan(dice: random.Random) -> Plan:
    """Return a random call. Half of them behave well, apart from their messages."""
    method = dice.choices(list(_METHODS), list(_METHODS.values()))[0]
    good = dice.random() < 0.5
    return Plan(
        method=method,
        messages=tuple(any_messages(dice, method)),
        metadata=_metadata(dice),
        pause_s=0.0 if dice.random() < 0.8 else dice.uniform(0, 0.01),
        half_closes=good or dice.random() < 0.9,
        reads=good or dice.random() < 0.8,
        cancel_after_s=None if good or dice.random() < 0.5 else dice.choice((0.0, dice.expovariate(20))),
        deadline_s=None if good or dice.random() < 0.8 else dice.expovariate(10),
    )


def _metadata(dice: random.Random) -> Metadata:
    entries: list[tuple[str, str | bytes]] = []
    while dice.random() < 0.3:
        size = dice.choice((0, 1, 20, 500, 4000, 9000, 20_000))
        kind = dice.randrange(4)
        if kind == 0:
            entries.append(("x-odd-bin", dice.randbytes(size)))
        elif kind == 1:
            entries.append((dice.choice(("authorization", "traceparent", "tracestate", "baggage")), _text(dice, size)))
        elif kind == 2:
            parts = ("00", "0" * 31 + "1", "0" * 15 + "1", dice.choice(("01", "zz", "1")))
            entries.append(("traceparent", "-".join(parts)))
        else:
            entries.append((f"x-{dice.randrange(100)}", _text(dice, size)))
    return tuple(entries)


def _text(dice: random.Random, size: int) -> str:
    return "".join(dice.choices(_CHARACTERS, k=size))


def summary(plan: Plan) -> str:
    """Return a line about a call, for a failure."""
    sizes = [len(each) for each in plan.messages]
    return (
        f"{plan.method} {_short(sizes)} {plan.metadata!r:.200} {plan.pause_s=} {plan.half_closes=} {plan.reads=} "
        + (f"{plan.cancel_after_s=} {plan.deadline_s=}")
    )


def _short(sizes: Sequence[int]) -> str:
    return f"{len(sizes)} messages of {min(sizes, default=0)} to {max(sizes, default=0)} bytes"
