"""Encode the sample speech into every format through a server embedded in this process, and check each file.

Each file is decoded with a library that did not write it, and compared with the input. `make demo` runs this script.
"""

import sys
import time
from pathlib import Path

import numpy as np
import soundfile
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_client import AudioWriter, list_formats
from audiowriter_server.runtime.embedded import EmbeddedServer
from rich.console import Console
from rich.table import Table
from support.decode import JUDGES

HERE = Path(__file__).parent
OUT = HERE / "out"
FRAME_MS = 20


def main() -> int:
    """Print the table; return 1 if a file is not as expected."""
    speech, rate = soundfile.read(HERE / "speech.flac", dtype="int16")
    OUT.mkdir(exist_ok=True)
    title = f"{len(speech) / rate:.2f} s of speech, {rate} Hz mono, sent in frames of {FRAME_MS} ms into {OUT.name}/"
    table = Table(title=title)
    for column in ("file", "bytes", "duration s", "first byte ms", "× real time", "judge", "to the sample"):
        table.add_column(column, justify="left" if column in ("file", "judge", "to the sample") else "right")
    good = True
    with EmbeddedServer() as server:
        for info in list_formats(server.target):
            path = OUT / f"speech-{info.name}{info.file_extension}"
            totals, first_byte_s, took_s = encode(server.target, info, path, speech, rate)
            judge = JUDGES[info.name]
            verdict, right = compare(info, totals, speech, judge(path.read_bytes())[:, 0])
            good = good and right
            duration = totals.duration.ToNanoseconds() / 1e9
            table.add_row(
                path.name,
                f"{totals.file_bytes:,}",
                f"{duration:.3f}",
                f"{first_byte_s * 1000:.1f}",
                f"{duration / took_s:.0f}",
                judge.title,
                verdict,
            )
    Console(width=None if sys.stdout.isatty() else 130).print(table)
    return 0 if good else 1


def encode(
    target: str, info: pb.FormatInfo, path: Path, speech: np.ndarray, rate: int
) -> tuple[pb.Totals, float, float]:
    """Stream the speech to a file; return the totals, the time to the first encoded byte, and the total time in s."""
    tags = [pb.Tag(name="title", value="Speech")] if "title" in info.tags else []
    config = pb.StreamConfig(
        input=pb.PcmInput(sample_rate_hz=rate, channels=1),
        output=pb.AudioOutput(format=info.format, metadata=pb.Metadata(tags=tags)),
    )
    step = rate * FRAME_MS // 1000
    first_byte: list[float] = []
    with path.open("wb") as file:

        def sink(data: bytes) -> None:
            if not first_byte:
                first_byte.append(time.perf_counter())
            file.write(data)

        started = time.perf_counter()
        with AudioWriter.open(target, config, sink) as writer:
            for start in range(0, len(speech), step):
                writer.write(speech[start : start + step])
        took_s = time.perf_counter() - started
        totals = writer.result
        file.seek(0)
        file.write(writer.header)
    return totals, (first_byte[0] if first_byte else time.perf_counter()) - started, took_s


def compare(info: pb.FormatInfo, totals: pb.Totals, speech: np.ndarray, decoded: np.ndarray) -> tuple[str, bool]:
    """Compare the decoded samples with the input; return a description, and whether the format's promise is kept."""
    if info.lossless:
        exact = np.array_equal(decoded, speech)
        return ("bit-exact" if exact else "DIFFERS"), exact
    if info.sample_exact:
        exact = len(decoded) == len(speech)
        return (f"{len(decoded)} samples" if exact else f"{len(decoded)} OF {len(speech)} SAMPLES"), exact
    over = len(decoded) - len(speech)
    announced = totals.delay_samples + totals.padding_samples
    return f"+{over}, as announced" if over == announced else f"+{over} SAMPLES, NOT {announced}", over == announced


if __name__ == "__main__":
    sys.exit(main())
