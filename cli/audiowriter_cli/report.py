"""What `encode` says about a finished file."""

import json
from dataclasses import asdict, dataclass

from audiowriter.v1.audio_writer_pb2 import Totals
from audiowriter_core import Finished, Loudness


@dataclass(frozen=True)
class Report:
    """The totals of one file, with the names of the contract."""

    input: str
    output: str
    file_bytes: int
    input_samples: int
    output_samples: int
    duration_s: float
    delay_samples: int
    padding_samples: int
    sent_sha256: str
    file_crc32c: str
    clipped_samples: int
    peak: float
    loudness: Loudness | None
    elapsed_s: float
    """Time that the encode took."""

    @classmethod
    def of(cls, source: str, output: str, totals: Finished | Totals, elapsed_s: float) -> "Report":
        """Return the report of a file that was written in this process (Finished) or by a server (Totals)."""
        if isinstance(totals, Finished):
            duration_s, loudness = totals.duration_s, totals.loudness
        else:
            duration_s, loudness = totals.duration.ToNanoseconds() / 1e9, _loudness(totals)
        return cls(
            input=source,
            output=output,
            file_bytes=totals.file_bytes,
            input_samples=totals.input_samples,
            output_samples=totals.output_samples,
            duration_s=duration_s,
            delay_samples=totals.delay_samples,
            padding_samples=totals.padding_samples,
            sent_sha256=totals.sent_sha256.hex(),
            file_crc32c=f"{totals.file_crc32c:08x}",
            clipped_samples=totals.clipped_samples,
            peak=totals.peak,
            loudness=loudness,
            elapsed_s=round(elapsed_s, 3),
        )

    def as_json(self) -> str:
        """Return one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    def as_text(self) -> str:
        """Return one line for people."""
        speed = self.duration_s / self.elapsed_s if self.elapsed_s else 0.0
        line = f"{self.output}: {self.duration_s:.2f} s, {self.file_bytes:,} bytes, {speed:.1f} × real time"
        if self.clipped_samples:
            line += f", {self.clipped_samples:,} samples clipped"
        if self.loudness:
            line += f", {_measured(self.loudness.integrated_lufs, 'LUFS')}, range {self.loudness.range_lu:.1f} LU"
            line += f", true peak {_measured(self.loudness.true_peak_dbtp, 'dBTP')}"
        return line


def _loudness(totals: Totals) -> Loudness | None:
    if not totals.HasField("loudness"):
        return None
    measured = totals.loudness
    return Loudness(
        measured.integrated_lufs if measured.HasField("integrated_lufs") else None,
        measured.range_lu,
        measured.true_peak_dbtp if measured.HasField("true_peak_dbtp") else None,
    )


def _measured(value: float | None, unit: str) -> str:
    return "silence" if value is None else f"{value:.1f} {unit}"
