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
    # FFmpeg's default AAC coder takes over a minute for this. The fast coder uses the same memory.
    options = config(name, rate)
    if FORMATS[name].codec.name == "aac":
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
