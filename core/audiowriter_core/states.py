"""The states of an encoder, and the calls that each allows."""

from collections.abc import Mapping
from enum import Enum


class State(Enum):
    """The state of a stream."""

    NEW = "new"
    """The options are valid, and no data was encoded yet."""
    STREAMING = "streaming"
    FINISHED = "finished"
    FAILED = "failed"
    """A call raised an error."""
    CLOSED = "closed"


ALLOWED: Mapping[State, Mapping[str, State]] = {
    State.NEW: {
        "start": State.STREAMING,
        "write": State.STREAMING,
        "flush": State.STREAMING,
        "finish": State.FINISHED,
        "close": State.CLOSED,
    },
    State.STREAMING: {
        "write": State.STREAMING,
        "flush": State.STREAMING,
        "describe": State.STREAMING,
        "finish": State.FINISHED,
        "close": State.CLOSED,
    },
    State.FINISHED: {"close": State.CLOSED},
    State.FAILED: {"close": State.CLOSED},
    State.CLOSED: {"close": State.CLOSED},
}
"""The calls that each state allows, each with the next state. Any other call raises WrongState."""
