"""Encode one hour of audio in the format NAME; print the growth of this process after the first minute, in KiB."""

import resource
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from audiowriter_core import FORMATS, AudioEncoder
from support.encode import config, speechlike


def peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(name: str) -> None:
    rate = 8000
    second = speechlike(rate, rate).tobytes()
    # The effort sets how long a codec searches for the best bits of a frame, and not what it keeps from frame to frame. With
    # the lowest, Opus takes half the time and AAC far less. `make lab-reference-decoders-long` has the default.
    options = config(name, rate)
    if FORMATS[name].codec.effort is not None:
        options["effort"] = 0
    encoder = AudioEncoder(**options)
    for second_number in range(3600):
        if second_number == 60:
            before = peak_kib()
        encoder.write(second)
    encoder.finish()
    encoder.close()
    print(peak_kib() - before)


if __name__ == "__main__":
    main(sys.argv[1])
