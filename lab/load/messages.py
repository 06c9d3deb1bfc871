"""Print the requests of one stream as JSON: speech in frames, with the config in the first request.

    python lab/load/messages.py --format mp3 --seconds 2 > build/load/messages.json

It is an array for ghz and k6, and one message per line for grpcurl and buf (--lines).
"""

import argparse
import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

SPEECH = Path(__file__).parents[2] / "demo" / "speech.flac"


def messages(audio_format: str, seconds: float, frame_ms: int) -> Iterator[dict[str, Any]]:
    """Return the requests; `audio_format`: the end of a name of AudioFormat, such as MP3 or OGG_OPUS."""
    speech, rate = soundfile.read(SPEECH, dtype="<i2")
    samples = np.resize(speech, int(seconds * rate))
    frame = rate * frame_ms // 1000
    # Names as in the proto: not every tool learns the JSON names by reflection.
    config = {"input": {"sample_rate_hz": rate}, "output": {"format": f"AUDIO_FORMAT_{audio_format.upper()}"}}
    for start in range(0, len(samples), frame):
        pcm = b64encode(samples[start : start + frame].tobytes()).decode()
        yield {"pcm": pcm} if start else {"config": config, "pcm": pcm}


def main() -> None:
    """Print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--format", default="MP3", help="the end of a name of AudioFormat, such as OGG_OPUS")
    parser.add_argument("--seconds", type=float, default=2, help="duration of the audio")
    parser.add_argument("--frame-ms", type=int, default=20, help="duration of the audio in one message")
    parser.add_argument("--lines", action="store_true", help="one message per line instead of an array")
    options = parser.parse_args()
    requests = messages(options.format, options.seconds, options.frame_ms)
    if options.lines:
        for request in requests:
            print(json.dumps(request))
    else:
        print(json.dumps(list(requests)))


if __name__ == "__main__":
    main()
