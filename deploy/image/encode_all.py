"""Encode a file into every format of a server, and decode what comes back.

    encode_all.py TARGET AUDIO FOLDER

The client holds each stream to its totals and its SHA-256; that the files can be played is FFmpeg's word.
"""

import sys
from pathlib import Path

import av
import soundfile
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_client import AudioWriter, list_formats

BARE = {".pcm": "s16le", ".ul": "mulaw", ".al": "alaw"}
"""FFmpeg's names of formats that have no header to be known by."""


def main(target: str, audio: str, folder: str) -> None:
    samples, rate = soundfile.read(audio, dtype="int16")
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    formats = list_formats(target)
    for info in formats:
        path = out / f"{info.name}{info.file_extension}"
        config = pb.StreamConfig(input=pb.PcmInput(sample_rate_hz=rate), output=pb.AudioOutput(format=info.format))
        with AudioWriter.open(target, config, path) as writer:
            writer.write(samples)
        finished = writer.result
        # Outside of the writer's context, because the header is written when the context ends.
        bare = BARE.get(info.file_extension)
        with av.open(str(path), format=bare, options={"sample_rate": str(rate)} if bare else {}) as file:
            decoded = sum(frame.samples / frame.sample_rate for frame in file.decode(audio=0))
        given = len(samples) / rate
        if not given <= decoded + 0.001 < given + 0.2:
            raise SystemExit(f"{path.name}: {given:.3f} s in, {decoded:.3f} s decoded")
        print(f"{path.name:24}{finished.file_bytes:>9,} bytes  {decoded:7.3f} s decoded")
    print(f"{len(formats)} formats")


if __name__ == "__main__":
    main(*sys.argv[1:])
