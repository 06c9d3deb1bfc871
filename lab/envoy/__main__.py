"""`make lab-envoy`: exit code 0 if everything is as expected."""

import argparse
import sys

from lab.envoy import browser, drain, floods, lost_workers, refusals, workers


def main() -> int:
    """Run all steps, and return the exit code."""
    parser = argparse.ArgumentParser(prog="envoy", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=15, metavar="SECONDS", help="how long workers are killed under streams"
    )
    options = parser.parse_args()
    results = [step.run() for step in (workers, drain, refusals, floods, browser)]
    results.append(lost_workers.run(options.seconds))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
