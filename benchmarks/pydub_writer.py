"""A writer that calls pydub for each chunk: PCM on stdin, one small file after the other on stdout.

python benchmarks/pydub_writer.py FORMAT BITRATE CHUNK_BYTES
"""

import io
import sys

from cases import RATE
from pydub import AudioSegment


def main(file_format: str, bitrate: str, chunk_bytes: int) -> None:
    """Export until the end of stdin."""
    while chunk := sys.stdin.buffer.read(chunk_bytes):
        segment = AudioSegment(chunk, sample_width=2, frame_rate=RATE, channels=1)
        out = io.BytesIO()
        segment.export(out, format=file_format, bitrate=bitrate)
        sys.stdout.buffer.write(out.getvalue())
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
