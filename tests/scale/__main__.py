"""`make scale`: exit code 0 if all is as it should be."""

import sys

import scale.browser
import scale.drain
import scale.refusals
import scale.workers

if __name__ == "__main__":
    results = [step.run() for step in (scale.workers, scale.drain, scale.refusals, scale.browser)]
    sys.exit(0 if all(results) else 1)
