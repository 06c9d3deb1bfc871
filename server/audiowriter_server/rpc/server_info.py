"""The answer of GetServerInfo."""

from importlib import metadata

from audiowriter.v1 import audio_writer_pb2 as pb
from google.protobuf.duration_pb2 import Duration

from ..runtime.settings import Settings


def server_info(settings: Settings) -> pb.GetServerInfoResponse:
    """Return the version of the server, and the settings that a client may reach."""
    return pb.GetServerInfoResponse(
        version=metadata.version("audiowriter"),
        limits=pb.ServerLimits(
            max_streams=settings.max_streams,
            max_message_bytes=settings.max_message_bytes,
            max_pcm_bytes=settings.max_pcm_bytes,
            max_file_bytes=settings.max_file_bytes,
            max_stream_duration=_duration(settings.max_stream_seconds),
            max_sample_rate_hz=settings.max_sample_rate_hz,
            max_channels=settings.max_channels,
            max_rate_ratio=settings.max_rate_ratio,
            first_message_timeout=_duration(settings.first_message_timeout),
            idle_timeout=_duration(settings.idle_timeout),
            stalled_reader_timeout=_duration(settings.stalled_reader_timeout),
        ),
    )


def _duration(seconds: float) -> Duration:
    longest_ns = 315_576_000_000 * 10**9  # google.protobuf.Duration holds at most this
    duration = Duration()
    duration.FromNanoseconds(min(longest_ns, int(min(seconds, 1e12) * 1e9)))
    return duration
