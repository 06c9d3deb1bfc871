import datetime

from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AudioFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUDIO_FORMAT_UNSPECIFIED: _ClassVar[AudioFormat]
    AUDIO_FORMAT_WAV: _ClassVar[AudioFormat]
    AUDIO_FORMAT_OGG_VORBIS: _ClassVar[AudioFormat]
    AUDIO_FORMAT_OGG_OPUS: _ClassVar[AudioFormat]
    AUDIO_FORMAT_FLAC: _ClassVar[AudioFormat]
    AUDIO_FORMAT_MP3: _ClassVar[AudioFormat]
    AUDIO_FORMAT_AAC_ADTS: _ClassVar[AudioFormat]
    AUDIO_FORMAT_PCM: _ClassVar[AudioFormat]
    AUDIO_FORMAT_WAV_MULAW: _ClassVar[AudioFormat]
    AUDIO_FORMAT_WAV_ALAW: _ClassVar[AudioFormat]
    AUDIO_FORMAT_MULAW: _ClassVar[AudioFormat]
    AUDIO_FORMAT_ALAW: _ClassVar[AudioFormat]
    AUDIO_FORMAT_AAC_M4A: _ClassVar[AudioFormat]
    AUDIO_FORMAT_AAC_FMP4: _ClassVar[AudioFormat]
    AUDIO_FORMAT_WEBM_OPUS: _ClassVar[AudioFormat]
    AUDIO_FORMAT_OGG_FLAC: _ClassVar[AudioFormat]

class WavHeader(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WAV_HEADER_UNSPECIFIED: _ClassVar[WavHeader]
    WAV_HEADER_FULL: _ClassVar[WavHeader]
    WAV_HEADER_MINIMAL: _ClassVar[WavHeader]

class SampleFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SAMPLE_FORMAT_UNSPECIFIED: _ClassVar[SampleFormat]
    SAMPLE_FORMAT_S16LE: _ClassVar[SampleFormat]
    SAMPLE_FORMAT_S24LE: _ClassVar[SampleFormat]
    SAMPLE_FORMAT_S32LE: _ClassVar[SampleFormat]
    SAMPLE_FORMAT_F32LE: _ClassVar[SampleFormat]
    SAMPLE_FORMAT_F64LE: _ClassVar[SampleFormat]
    SAMPLE_FORMAT_U8: _ClassVar[SampleFormat]
    SAMPLE_FORMAT_MULAW: _ClassVar[SampleFormat]
    SAMPLE_FORMAT_ALAW: _ClassVar[SampleFormat]
AUDIO_FORMAT_UNSPECIFIED: AudioFormat
AUDIO_FORMAT_WAV: AudioFormat
AUDIO_FORMAT_OGG_VORBIS: AudioFormat
AUDIO_FORMAT_OGG_OPUS: AudioFormat
AUDIO_FORMAT_FLAC: AudioFormat
AUDIO_FORMAT_MP3: AudioFormat
AUDIO_FORMAT_AAC_ADTS: AudioFormat
AUDIO_FORMAT_PCM: AudioFormat
AUDIO_FORMAT_WAV_MULAW: AudioFormat
AUDIO_FORMAT_WAV_ALAW: AudioFormat
AUDIO_FORMAT_MULAW: AudioFormat
AUDIO_FORMAT_ALAW: AudioFormat
AUDIO_FORMAT_AAC_M4A: AudioFormat
AUDIO_FORMAT_AAC_FMP4: AudioFormat
AUDIO_FORMAT_WEBM_OPUS: AudioFormat
AUDIO_FORMAT_OGG_FLAC: AudioFormat
WAV_HEADER_UNSPECIFIED: WavHeader
WAV_HEADER_FULL: WavHeader
WAV_HEADER_MINIMAL: WavHeader
SAMPLE_FORMAT_UNSPECIFIED: SampleFormat
SAMPLE_FORMAT_S16LE: SampleFormat
SAMPLE_FORMAT_S24LE: SampleFormat
SAMPLE_FORMAT_S32LE: SampleFormat
SAMPLE_FORMAT_F32LE: SampleFormat
SAMPLE_FORMAT_F64LE: SampleFormat
SAMPLE_FORMAT_U8: SampleFormat
SAMPLE_FORMAT_MULAW: SampleFormat
SAMPLE_FORMAT_ALAW: SampleFormat

class EncodeStreamRequest(_message.Message):
    __slots__ = ("config", "pcm", "flush", "position", "channel", "metadata", "markers", "resume")
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    PCM_FIELD_NUMBER: _ClassVar[int]
    FLUSH_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    MARKERS_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    config: StreamConfig
    pcm: bytes
    flush: Flush
    position: int
    channel: int
    metadata: Metadata
    markers: _containers.RepeatedCompositeFieldContainer[Marker]
    resume: ResumePoint
    def __init__(self, config: _Optional[_Union[StreamConfig, _Mapping]] = ..., pcm: _Optional[bytes] = ..., flush: _Optional[_Union[Flush, _Mapping]] = ..., position: _Optional[int] = ..., channel: _Optional[int] = ..., metadata: _Optional[_Union[Metadata, _Mapping]] = ..., markers: _Optional[_Iterable[_Union[Marker, _Mapping]]] = ..., resume: _Optional[_Union[ResumePoint, _Mapping]] = ...) -> None: ...

class ResumePoint(_message.Message):
    __slots__ = ("offset", "sha256", "serial", "output_samples", "crc32c", "first_crc32c")
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    SERIAL_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    CRC32C_FIELD_NUMBER: _ClassVar[int]
    FIRST_CRC32C_FIELD_NUMBER: _ClassVar[int]
    offset: int
    sha256: bytes
    serial: int
    output_samples: int
    crc32c: int
    first_crc32c: int
    def __init__(self, offset: _Optional[int] = ..., sha256: _Optional[bytes] = ..., serial: _Optional[int] = ..., output_samples: _Optional[int] = ..., crc32c: _Optional[int] = ..., first_crc32c: _Optional[int] = ...) -> None: ...

class Flush(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StreamConfig(_message.Message):
    __slots__ = ("input", "output", "request_id")
    INPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    input: PcmInput
    output: AudioOutput
    request_id: str
    def __init__(self, input: _Optional[_Union[PcmInput, _Mapping]] = ..., output: _Optional[_Union[AudioOutput, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class PcmInput(_message.Message):
    __slots__ = ("sample_format", "sample_rate_hz", "channels", "max_gap", "max_skew", "max_jitter")
    SAMPLE_FORMAT_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    MAX_GAP_FIELD_NUMBER: _ClassVar[int]
    MAX_SKEW_FIELD_NUMBER: _ClassVar[int]
    MAX_JITTER_FIELD_NUMBER: _ClassVar[int]
    sample_format: SampleFormat
    sample_rate_hz: int
    channels: int
    max_gap: _duration_pb2.Duration
    max_skew: _duration_pb2.Duration
    max_jitter: _duration_pb2.Duration
    def __init__(self, sample_format: _Optional[_Union[SampleFormat, str]] = ..., sample_rate_hz: _Optional[int] = ..., channels: _Optional[int] = ..., max_gap: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_skew: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_jitter: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class AudioOutput(_message.Message):
    __slots__ = ("format", "sample_rate_hz", "channels", "sample_format", "bitrate_bps", "vbr_quality", "effort", "page", "metadata", "metadata_bytes", "loudness", "wav_header", "opus_frame")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FORMAT_FIELD_NUMBER: _ClassVar[int]
    BITRATE_BPS_FIELD_NUMBER: _ClassVar[int]
    VBR_QUALITY_FIELD_NUMBER: _ClassVar[int]
    EFFORT_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    METADATA_BYTES_FIELD_NUMBER: _ClassVar[int]
    LOUDNESS_FIELD_NUMBER: _ClassVar[int]
    WAV_HEADER_FIELD_NUMBER: _ClassVar[int]
    OPUS_FRAME_FIELD_NUMBER: _ClassVar[int]
    format: AudioFormat
    sample_rate_hz: int
    channels: int
    sample_format: SampleFormat
    bitrate_bps: int
    vbr_quality: float
    effort: int
    page: _duration_pb2.Duration
    metadata: Metadata
    metadata_bytes: int
    loudness: LoudnessOptions
    wav_header: WavHeader
    opus_frame: _duration_pb2.Duration
    def __init__(self, format: _Optional[_Union[AudioFormat, str]] = ..., sample_rate_hz: _Optional[int] = ..., channels: _Optional[int] = ..., sample_format: _Optional[_Union[SampleFormat, str]] = ..., bitrate_bps: _Optional[int] = ..., vbr_quality: _Optional[float] = ..., effort: _Optional[int] = ..., page: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., metadata: _Optional[_Union[Metadata, _Mapping]] = ..., metadata_bytes: _Optional[int] = ..., loudness: _Optional[_Union[LoudnessOptions, _Mapping]] = ..., wav_header: _Optional[_Union[WavHeader, str]] = ..., opus_frame: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class LoudnessOptions(_message.Message):
    __slots__ = ("measure", "gain_db", "true_peak_limit_dbtp")
    MEASURE_FIELD_NUMBER: _ClassVar[int]
    GAIN_DB_FIELD_NUMBER: _ClassVar[int]
    TRUE_PEAK_LIMIT_DBTP_FIELD_NUMBER: _ClassVar[int]
    measure: bool
    gain_db: float
    true_peak_limit_dbtp: float
    def __init__(self, measure: bool = ..., gain_db: _Optional[float] = ..., true_peak_limit_dbtp: _Optional[float] = ...) -> None: ...

class Loudness(_message.Message):
    __slots__ = ("integrated_lufs", "range_lu", "true_peak_dbtp")
    INTEGRATED_LUFS_FIELD_NUMBER: _ClassVar[int]
    RANGE_LU_FIELD_NUMBER: _ClassVar[int]
    TRUE_PEAK_DBTP_FIELD_NUMBER: _ClassVar[int]
    integrated_lufs: float
    range_lu: float
    true_peak_dbtp: float
    def __init__(self, integrated_lufs: _Optional[float] = ..., range_lu: _Optional[float] = ..., true_peak_dbtp: _Optional[float] = ...) -> None: ...

class Metadata(_message.Message):
    __slots__ = ("tags", "pictures")
    TAGS_FIELD_NUMBER: _ClassVar[int]
    PICTURES_FIELD_NUMBER: _ClassVar[int]
    tags: _containers.RepeatedCompositeFieldContainer[Tag]
    pictures: _containers.RepeatedCompositeFieldContainer[Picture]
    def __init__(self, tags: _Optional[_Iterable[_Union[Tag, _Mapping]]] = ..., pictures: _Optional[_Iterable[_Union[Picture, _Mapping]]] = ...) -> None: ...

class Picture(_message.Message):
    __slots__ = ("mime_type", "data", "description")
    MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    mime_type: str
    data: bytes
    description: str
    def __init__(self, mime_type: _Optional[str] = ..., data: _Optional[bytes] = ..., description: _Optional[str] = ...) -> None: ...

class Marker(_message.Message):
    __slots__ = ("position", "length", "title", "url")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    position: int
    length: int
    title: str
    url: str
    def __init__(self, position: _Optional[int] = ..., length: _Optional[int] = ..., title: _Optional[str] = ..., url: _Optional[str] = ...) -> None: ...

class Tag(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class EncodeStreamResponse(_message.Message):
    __slots__ = ("started", "chunk", "finished", "flushed")
    STARTED_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    FLUSHED_FIELD_NUMBER: _ClassVar[int]
    started: StreamStarted
    chunk: EncodedChunk
    finished: StreamFinished
    flushed: StreamFlushed
    def __init__(self, started: _Optional[_Union[StreamStarted, _Mapping]] = ..., chunk: _Optional[_Union[EncodedChunk, _Mapping]] = ..., finished: _Optional[_Union[StreamFinished, _Mapping]] = ..., flushed: _Optional[_Union[StreamFlushed, _Mapping]] = ...) -> None: ...

class StreamStarted(_message.Message):
    __slots__ = ("output", "mime_type", "file_extension", "delay_samples", "serial")
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    FILE_EXTENSION_FIELD_NUMBER: _ClassVar[int]
    DELAY_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    SERIAL_FIELD_NUMBER: _ClassVar[int]
    output: AudioOutput
    mime_type: str
    file_extension: str
    delay_samples: int
    serial: int
    def __init__(self, output: _Optional[_Union[AudioOutput, _Mapping]] = ..., mime_type: _Optional[str] = ..., file_extension: _Optional[str] = ..., delay_samples: _Optional[int] = ..., serial: _Optional[int] = ...) -> None: ...

class EncodedChunk(_message.Message):
    __slots__ = ("data", "offset", "input_samples", "output_samples")
    DATA_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    INPUT_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    offset: int
    input_samples: int
    output_samples: int
    def __init__(self, data: _Optional[bytes] = ..., offset: _Optional[int] = ..., input_samples: _Optional[int] = ..., output_samples: _Optional[int] = ...) -> None: ...

class StreamFlushed(_message.Message):
    __slots__ = ("offset", "input_samples", "held_samples")
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    INPUT_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    HELD_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    offset: int
    input_samples: int
    held_samples: int
    def __init__(self, offset: _Optional[int] = ..., input_samples: _Optional[int] = ..., held_samples: _Optional[int] = ...) -> None: ...

class StreamFinished(_message.Message):
    __slots__ = ("header", "trailer", "totals")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    TRAILER_FIELD_NUMBER: _ClassVar[int]
    TOTALS_FIELD_NUMBER: _ClassVar[int]
    header: bytes
    trailer: bytes
    totals: Totals
    def __init__(self, header: _Optional[bytes] = ..., trailer: _Optional[bytes] = ..., totals: _Optional[_Union[Totals, _Mapping]] = ...) -> None: ...

class Totals(_message.Message):
    __slots__ = ("file_bytes", "input_samples", "output_samples", "duration", "delay_samples", "padding_samples", "sent_sha256", "file_crc32c", "clipped_samples", "peak", "filled_samples", "dropped_samples", "drift_ppm", "loudness", "sent_sha256_offset")
    FILE_BYTES_FIELD_NUMBER: _ClassVar[int]
    INPUT_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    DELAY_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    PADDING_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    SENT_SHA256_FIELD_NUMBER: _ClassVar[int]
    FILE_CRC32C_FIELD_NUMBER: _ClassVar[int]
    CLIPPED_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    PEAK_FIELD_NUMBER: _ClassVar[int]
    FILLED_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    DROPPED_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    DRIFT_PPM_FIELD_NUMBER: _ClassVar[int]
    LOUDNESS_FIELD_NUMBER: _ClassVar[int]
    SENT_SHA256_OFFSET_FIELD_NUMBER: _ClassVar[int]
    file_bytes: int
    input_samples: int
    output_samples: int
    duration: _duration_pb2.Duration
    delay_samples: int
    padding_samples: int
    sent_sha256: bytes
    file_crc32c: int
    clipped_samples: int
    peak: float
    filled_samples: int
    dropped_samples: int
    drift_ppm: float
    loudness: Loudness
    sent_sha256_offset: int
    def __init__(self, file_bytes: _Optional[int] = ..., input_samples: _Optional[int] = ..., output_samples: _Optional[int] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., delay_samples: _Optional[int] = ..., padding_samples: _Optional[int] = ..., sent_sha256: _Optional[bytes] = ..., file_crc32c: _Optional[int] = ..., clipped_samples: _Optional[int] = ..., peak: _Optional[float] = ..., filled_samples: _Optional[int] = ..., dropped_samples: _Optional[int] = ..., drift_ppm: _Optional[float] = ..., loudness: _Optional[_Union[Loudness, _Mapping]] = ..., sent_sha256_offset: _Optional[int] = ...) -> None: ...

class EncodeRequest(_message.Message):
    __slots__ = ("config", "pcm", "markers")
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    PCM_FIELD_NUMBER: _ClassVar[int]
    MARKERS_FIELD_NUMBER: _ClassVar[int]
    config: StreamConfig
    pcm: bytes
    markers: _containers.RepeatedCompositeFieldContainer[Marker]
    def __init__(self, config: _Optional[_Union[StreamConfig, _Mapping]] = ..., pcm: _Optional[bytes] = ..., markers: _Optional[_Iterable[_Union[Marker, _Mapping]]] = ...) -> None: ...

class EncodeResponse(_message.Message):
    __slots__ = ("file", "started", "totals")
    FILE_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    TOTALS_FIELD_NUMBER: _ClassVar[int]
    file: bytes
    started: StreamStarted
    totals: Totals
    def __init__(self, file: _Optional[bytes] = ..., started: _Optional[_Union[StreamStarted, _Mapping]] = ..., totals: _Optional[_Union[Totals, _Mapping]] = ...) -> None: ...

class ResolveConfigRequest(_message.Message):
    __slots__ = ("config",)
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    config: StreamConfig
    def __init__(self, config: _Optional[_Union[StreamConfig, _Mapping]] = ...) -> None: ...

class ResolveConfigResponse(_message.Message):
    __slots__ = ("started",)
    STARTED_FIELD_NUMBER: _ClassVar[int]
    started: StreamStarted
    def __init__(self, started: _Optional[_Union[StreamStarted, _Mapping]] = ...) -> None: ...

class ListFormatsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListFormatsResponse(_message.Message):
    __slots__ = ("formats",)
    FORMATS_FIELD_NUMBER: _ClassVar[int]
    formats: _containers.RepeatedCompositeFieldContainer[FormatInfo]
    def __init__(self, formats: _Optional[_Iterable[_Union[FormatInfo, _Mapping]]] = ...) -> None: ...

class FormatInfo(_message.Message):
    __slots__ = ("format", "name", "mime_type", "file_extension", "sample_rates_hz", "min_sample_rate_hz", "max_sample_rate_hz", "channels", "sample_formats", "min_bitrate_bps", "max_bitrate_bps", "default_bitrate_bps_per_channel", "bitrates", "takes_vbr_quality", "default_vbr_quality", "default_effort", "default_page", "min_page", "max_page", "opus_frames", "tags", "repeatable_tags", "lookahead_samples", "finalizes_header", "sample_exact", "lossless", "wav_headers", "picture_mime_types", "max_picture_bytes", "max_metadata_bytes", "max_markers", "takes_marker_urls")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    FILE_EXTENSION_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_RATES_HZ_FIELD_NUMBER: _ClassVar[int]
    MIN_SAMPLE_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    MAX_SAMPLE_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FORMATS_FIELD_NUMBER: _ClassVar[int]
    MIN_BITRATE_BPS_FIELD_NUMBER: _ClassVar[int]
    MAX_BITRATE_BPS_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_BITRATE_BPS_PER_CHANNEL_FIELD_NUMBER: _ClassVar[int]
    BITRATES_FIELD_NUMBER: _ClassVar[int]
    TAKES_VBR_QUALITY_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_VBR_QUALITY_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_EFFORT_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_PAGE_FIELD_NUMBER: _ClassVar[int]
    MIN_PAGE_FIELD_NUMBER: _ClassVar[int]
    MAX_PAGE_FIELD_NUMBER: _ClassVar[int]
    OPUS_FRAMES_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    REPEATABLE_TAGS_FIELD_NUMBER: _ClassVar[int]
    LOOKAHEAD_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    FINALIZES_HEADER_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_EXACT_FIELD_NUMBER: _ClassVar[int]
    LOSSLESS_FIELD_NUMBER: _ClassVar[int]
    WAV_HEADERS_FIELD_NUMBER: _ClassVar[int]
    PICTURE_MIME_TYPES_FIELD_NUMBER: _ClassVar[int]
    MAX_PICTURE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_METADATA_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_MARKERS_FIELD_NUMBER: _ClassVar[int]
    TAKES_MARKER_URLS_FIELD_NUMBER: _ClassVar[int]
    format: AudioFormat
    name: str
    mime_type: str
    file_extension: str
    sample_rates_hz: _containers.RepeatedScalarFieldContainer[int]
    min_sample_rate_hz: int
    max_sample_rate_hz: int
    channels: _containers.RepeatedScalarFieldContainer[int]
    sample_formats: _containers.RepeatedScalarFieldContainer[SampleFormat]
    min_bitrate_bps: int
    max_bitrate_bps: int
    default_bitrate_bps_per_channel: int
    bitrates: _containers.RepeatedCompositeFieldContainer[BitrateRange]
    takes_vbr_quality: bool
    default_vbr_quality: float
    default_effort: int
    default_page: _duration_pb2.Duration
    min_page: _duration_pb2.Duration
    max_page: _duration_pb2.Duration
    opus_frames: _containers.RepeatedCompositeFieldContainer[_duration_pb2.Duration]
    tags: _containers.RepeatedScalarFieldContainer[str]
    repeatable_tags: _containers.RepeatedScalarFieldContainer[str]
    lookahead_samples: int
    finalizes_header: bool
    sample_exact: bool
    lossless: bool
    wav_headers: _containers.RepeatedScalarFieldContainer[WavHeader]
    picture_mime_types: _containers.RepeatedScalarFieldContainer[str]
    max_picture_bytes: int
    max_metadata_bytes: int
    max_markers: int
    takes_marker_urls: bool
    def __init__(self, format: _Optional[_Union[AudioFormat, str]] = ..., name: _Optional[str] = ..., mime_type: _Optional[str] = ..., file_extension: _Optional[str] = ..., sample_rates_hz: _Optional[_Iterable[int]] = ..., min_sample_rate_hz: _Optional[int] = ..., max_sample_rate_hz: _Optional[int] = ..., channels: _Optional[_Iterable[int]] = ..., sample_formats: _Optional[_Iterable[_Union[SampleFormat, str]]] = ..., min_bitrate_bps: _Optional[int] = ..., max_bitrate_bps: _Optional[int] = ..., default_bitrate_bps_per_channel: _Optional[int] = ..., bitrates: _Optional[_Iterable[_Union[BitrateRange, _Mapping]]] = ..., takes_vbr_quality: bool = ..., default_vbr_quality: _Optional[float] = ..., default_effort: _Optional[int] = ..., default_page: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., min_page: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_page: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., opus_frames: _Optional[_Iterable[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]]] = ..., tags: _Optional[_Iterable[str]] = ..., repeatable_tags: _Optional[_Iterable[str]] = ..., lookahead_samples: _Optional[int] = ..., finalizes_header: bool = ..., sample_exact: bool = ..., lossless: bool = ..., wav_headers: _Optional[_Iterable[_Union[WavHeader, str]]] = ..., picture_mime_types: _Optional[_Iterable[str]] = ..., max_picture_bytes: _Optional[int] = ..., max_metadata_bytes: _Optional[int] = ..., max_markers: _Optional[int] = ..., takes_marker_urls: bool = ...) -> None: ...

class BitrateRange(_message.Message):
    __slots__ = ("sample_rate_hz", "channels", "min_bps", "max_bps", "values_bps")
    SAMPLE_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    MIN_BPS_FIELD_NUMBER: _ClassVar[int]
    MAX_BPS_FIELD_NUMBER: _ClassVar[int]
    VALUES_BPS_FIELD_NUMBER: _ClassVar[int]
    sample_rate_hz: int
    channels: int
    min_bps: int
    max_bps: int
    values_bps: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, sample_rate_hz: _Optional[int] = ..., channels: _Optional[int] = ..., min_bps: _Optional[int] = ..., max_bps: _Optional[int] = ..., values_bps: _Optional[_Iterable[int]] = ...) -> None: ...

class GetServerInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetServerInfoResponse(_message.Message):
    __slots__ = ("version", "limits")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    version: str
    limits: ServerLimits
    def __init__(self, version: _Optional[str] = ..., limits: _Optional[_Union[ServerLimits, _Mapping]] = ...) -> None: ...

class ServerLimits(_message.Message):
    __slots__ = ("max_streams", "max_message_bytes", "max_pcm_bytes", "max_file_bytes", "max_stream_duration", "max_sample_rate_hz", "max_channels", "max_rate_ratio", "first_message_timeout", "idle_timeout", "stalled_reader_timeout")
    MAX_STREAMS_FIELD_NUMBER: _ClassVar[int]
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_PCM_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_FILE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_STREAM_DURATION_FIELD_NUMBER: _ClassVar[int]
    MAX_SAMPLE_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    MAX_CHANNELS_FIELD_NUMBER: _ClassVar[int]
    MAX_RATE_RATIO_FIELD_NUMBER: _ClassVar[int]
    FIRST_MESSAGE_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    IDLE_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    STALLED_READER_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    max_streams: int
    max_message_bytes: int
    max_pcm_bytes: int
    max_file_bytes: int
    max_stream_duration: _duration_pb2.Duration
    max_sample_rate_hz: int
    max_channels: int
    max_rate_ratio: float
    first_message_timeout: _duration_pb2.Duration
    idle_timeout: _duration_pb2.Duration
    stalled_reader_timeout: _duration_pb2.Duration
    def __init__(self, max_streams: _Optional[int] = ..., max_message_bytes: _Optional[int] = ..., max_pcm_bytes: _Optional[int] = ..., max_file_bytes: _Optional[int] = ..., max_stream_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_sample_rate_hz: _Optional[int] = ..., max_channels: _Optional[int] = ..., max_rate_ratio: _Optional[float] = ..., first_message_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., idle_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., stalled_reader_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
