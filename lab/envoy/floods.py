"""Checks that floods of control frames end at Envoy, whose servers use the fast poller."""

from lab.envoy.envoy import one_server
from lab.faults.control_frames import FRAMES, delay_beside_flood


def run() -> bool:
    """Measure and print the delay of 20 ms frames beside each flood. Return whether all are short."""
    held = True
    with one_server("--poller=fast") as (_, envoy):
        for kind in FRAMES:
            try:
                outcome = delay_beside_flood(envoy.target, kind)
            except AssertionError as error:
                outcome, held = str(error), False
            print(f"flood of {outcome}")
    return held
