"""How much is measured: the full plan, or the part that takes a minute."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """Seconds are durations of audio in one stream."""

    name: str
    live_rounds: int
    """Rounds of the measurements in real time; medians are taken over them."""
    bulk_rounds: int
    """Rounds of the measurements in bulk."""
    live_formats: tuple[str, ...]
    live_streams: int
    live_s: float
    """Duration of a stream; the first `live_ramp_s` + `live_settle_s` are not measured."""
    live_ramp_s: float
    live_settle_s: float
    recording_s: float
    """Duration of a stream whose file nobody listens to."""
    bulk_streams: int
    bulk_s: float
    whole_s: float
    capacity_formats: tuple[str, ...]
    capacity_s: float
    memory_formats: tuple[str, ...]
    hour_formats: tuple[str, ...]
    hour_s: float
    worker_streams: int
    """Streams per worker; two workers get twice as many. 0: not measured."""


FULL = Plan(
    name="full",
    live_rounds=3,
    bulk_rounds=7,
    live_formats=("mp3", "aac", "ogg_opus", "flac", "ogg_vorbis", "wav"),
    live_streams=10,
    live_s=3.0,
    live_ramp_s=0.6,
    live_settle_s=0.4,
    recording_s=8.0,
    bulk_streams=4,
    bulk_s=10.0,
    whole_s=60.0,
    capacity_formats=("mp3", "flac"),
    capacity_s=2.5,
    memory_formats=("mp3", "ogg_opus", "flac"),
    hour_formats=("mp3", "flac"),
    hour_s=3600.0,
    worker_streams=20,
)

QUICK = Plan(
    name="quick",
    live_rounds=1,
    bulk_rounds=1,
    live_formats=("mp3", "flac"),
    live_streams=10,
    live_s=3.0,
    live_ramp_s=0.6,
    live_settle_s=0.4,
    recording_s=8.0,
    bulk_streams=4,
    bulk_s=10.0,
    whole_s=20.0,
    capacity_formats=(),
    capacity_s=2.5,
    memory_formats=("mp3",),
    hour_formats=("flac",),
    hour_s=3600.0,
    worker_streams=0,
)
