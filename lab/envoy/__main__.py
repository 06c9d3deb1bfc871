"""`make lab-envoy`: exit code 0 if everything is as expected."""

import sys

from lab.envoy import browser, drain, floods, refusals, workers

if __name__ == "__main__":
    results = [step.run() for step in (workers, drain, refusals, floods, browser)]
    sys.exit(0 if all(results) else 1)
