import datetime

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
    AUDIO_FORMAT_AAC: _ClassVar[AudioFormat]
    AUDIO_FORMAT_PCM: _ClassVar[AudioFormat]
    AUDIO_FORMAT_WAV_MULAW: _ClassVar[AudioFormat]
    AUDIO_FORMAT_WAV_ALAW: _ClassVar[AudioFormat]
    AUDIO_FORMAT_MULAW: _ClassVar[AudioFormat]
    AUDIO_FORMAT_ALAW: _ClassVar[AudioFormat]
    AUDIO_FORMAT_M4A: _ClassVar[AudioFormat]
    AUDIO_FORMAT_FRAGMENTED_MP4: _ClassVar[AudioFormat]
    AUDIO_FORMAT_WEBM_OPUS: _ClassVar[AudioFormat]
    AUDIO_FORMAT_OGG_FLAC: _ClassVar[AudioFormat]

class SampleFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SAMPLE_FORMAT_UNSPECIFIED: _ClassVar[SampleFormat]
    SAMPLE_FORMAT_S16LE: _ClassVar[SampleFormat]
    SAMPLE_FORMAT_S24LE: _ClassVar[SampleFormat]
    SAMPLE_FORMAT_S32LE: _ClassVar[SampleFormat]
    SAMPLE_FORMAT_F32LE: _ClassVar[SampleFormat]
    SAMPLE_FORMAT_F64LE: _ClassVar[SampleFormat]
    SAMPLE_FORMAT_U8: _ClassVar[SampleFormat]
AUDIO_FORMAT_UNSPECIFIED: AudioFormat
AUDIO_FORMAT_WAV: AudioFormat
AUDIO_FORMAT_OGG_VORBIS: AudioFormat
AUDIO_FORMAT_OGG_OPUS: AudioFormat
AUDIO_FORMAT_FLAC: AudioFormat
AUDIO_FORMAT_MP3: AudioFormat
AUDIO_FORMAT_AAC: AudioFormat
AUDIO_FORMAT_PCM: AudioFormat
AUDIO_FORMAT_WAV_MULAW: AudioFormat
AUDIO_FORMAT_WAV_ALAW: AudioFormat
AUDIO_FORMAT_MULAW: AudioFormat
AUDIO_FORMAT_ALAW: AudioFormat
AUDIO_FORMAT_M4A: AudioFormat
AUDIO_FORMAT_FRAGMENTED_MP4: AudioFormat
AUDIO_FORMAT_WEBM_OPUS: AudioFormat
AUDIO_FORMAT_OGG_FLAC: AudioFormat
SAMPLE_FORMAT_UNSPECIFIED: SampleFormat
SAMPLE_FORMAT_S16LE: SampleFormat
SAMPLE_FORMAT_S24LE: SampleFormat
SAMPLE_FORMAT_S32LE: SampleFormat
SAMPLE_FORMAT_F32LE: SampleFormat
SAMPLE_FORMAT_F64LE: SampleFormat
SAMPLE_FORMAT_U8: SampleFormat

class EncodeStreamRequest(_message.Message):
    __slots__ = ("config", "pcm", "flush")
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    PCM_FIELD_NUMBER: _ClassVar[int]
    FLUSH_FIELD_NUMBER: _ClassVar[int]
    config: StreamConfig
    pcm: bytes
    flush: bool
    def __init__(self, config: _Optional[_Union[StreamConfig, _Mapping]] = ..., pcm: _Optional[bytes] = ..., flush: bool = ...) -> None: ...

class StreamConfig(_message.Message):
    __slots__ = ("input", "output")
    INPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    input: PcmInput
    output: AudioOutput
    def __init__(self, input: _Optional[_Union[PcmInput, _Mapping]] = ..., output: _Optional[_Union[AudioOutput, _Mapping]] = ...) -> None: ...

class PcmInput(_message.Message):
    __slots__ = ("sample_format", "sample_rate_hz", "channels")
    SAMPLE_FORMAT_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    sample_format: SampleFormat
    sample_rate_hz: int
    channels: int
    def __init__(self, sample_format: _Optional[_Union[SampleFormat, str]] = ..., sample_rate_hz: _Optional[int] = ..., channels: _Optional[int] = ...) -> None: ...

class AudioOutput(_message.Message):
    __slots__ = ("format", "sample_rate_hz", "channels", "sample_format", "bitrate_bps", "vbr_quality", "effort", "page_ms", "tags")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FORMAT_FIELD_NUMBER: _ClassVar[int]
    BITRATE_BPS_FIELD_NUMBER: _ClassVar[int]
    VBR_QUALITY_FIELD_NUMBER: _ClassVar[int]
    EFFORT_FIELD_NUMBER: _ClassVar[int]
    PAGE_MS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    format: AudioFormat
    sample_rate_hz: int
    channels: int
    sample_format: SampleFormat
    bitrate_bps: int
    vbr_quality: float
    effort: int
    page_ms: int
    tags: _containers.ScalarMap[str, str]
    def __init__(self, format: _Optional[_Union[AudioFormat, str]] = ..., sample_rate_hz: _Optional[int] = ..., channels: _Optional[int] = ..., sample_format: _Optional[_Union[SampleFormat, str]] = ..., bitrate_bps: _Optional[int] = ..., vbr_quality: _Optional[float] = ..., effort: _Optional[int] = ..., page_ms: _Optional[int] = ..., tags: _Optional[_Mapping[str, str]] = ...) -> None: ...

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
    __slots__ = ("output", "mime_type", "file_extension", "encoder_delay_samples")
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    FILE_EXTENSION_FIELD_NUMBER: _ClassVar[int]
    ENCODER_DELAY_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    output: AudioOutput
    mime_type: str
    file_extension: str
    encoder_delay_samples: int
    def __init__(self, output: _Optional[_Union[AudioOutput, _Mapping]] = ..., mime_type: _Optional[str] = ..., file_extension: _Optional[str] = ..., encoder_delay_samples: _Optional[int] = ...) -> None: ...

class EncodedChunk(_message.Message):
    __slots__ = ("data", "offset", "input_samples")
    DATA_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    INPUT_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    offset: int
    input_samples: int
    def __init__(self, data: _Optional[bytes] = ..., offset: _Optional[int] = ..., input_samples: _Optional[int] = ...) -> None: ...

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
    __slots__ = ("header", "trailer", "total_bytes", "input_samples", "output_samples", "duration", "delay_samples", "padding_samples", "sha256", "clipped_samples", "peak")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    TRAILER_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    INPUT_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    DELAY_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    PADDING_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    CLIPPED_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    PEAK_FIELD_NUMBER: _ClassVar[int]
    header: bytes
    trailer: bytes
    total_bytes: int
    input_samples: int
    output_samples: int
    duration: _duration_pb2.Duration
    delay_samples: int
    padding_samples: int
    sha256: bytes
    clipped_samples: int
    peak: float
    def __init__(self, header: _Optional[bytes] = ..., trailer: _Optional[bytes] = ..., total_bytes: _Optional[int] = ..., input_samples: _Optional[int] = ..., output_samples: _Optional[int] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., delay_samples: _Optional[int] = ..., padding_samples: _Optional[int] = ..., sha256: _Optional[bytes] = ..., clipped_samples: _Optional[int] = ..., peak: _Optional[float] = ...) -> None: ...

class EncodeRequest(_message.Message):
    __slots__ = ("config", "pcm")
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    PCM_FIELD_NUMBER: _ClassVar[int]
    config: StreamConfig
    pcm: bytes
    def __init__(self, config: _Optional[_Union[StreamConfig, _Mapping]] = ..., pcm: _Optional[bytes] = ...) -> None: ...

class EncodeResponse(_message.Message):
    __slots__ = ("file", "started", "finished")
    FILE_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    file: bytes
    started: StreamStarted
    finished: StreamFinished
    def __init__(self, file: _Optional[bytes] = ..., started: _Optional[_Union[StreamStarted, _Mapping]] = ..., finished: _Optional[_Union[StreamFinished, _Mapping]] = ...) -> None: ...

class ListFormatsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListFormatsResponse(_message.Message):
    __slots__ = ("formats",)
    FORMATS_FIELD_NUMBER: _ClassVar[int]
    formats: _containers.RepeatedCompositeFieldContainer[FormatInfo]
    def __init__(self, formats: _Optional[_Iterable[_Union[FormatInfo, _Mapping]]] = ...) -> None: ...

class FormatInfo(_message.Message):
    __slots__ = ("format", "name", "mime_type", "file_extension", "sample_rates_hz", "min_sample_rate_hz", "max_sample_rate_hz", "channels", "sample_formats", "min_bitrate_bps", "max_bitrate_bps", "default_bitrate_bps_per_channel", "vbr_quality", "default_vbr_quality", "default_effort", "default_page_ms", "tags", "lookahead_samples", "finalizes_header", "sample_exact", "lossless")
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
    VBR_QUALITY_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_VBR_QUALITY_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_EFFORT_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_PAGE_MS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    LOOKAHEAD_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    FINALIZES_HEADER_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_EXACT_FIELD_NUMBER: _ClassVar[int]
    LOSSLESS_FIELD_NUMBER: _ClassVar[int]
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
    vbr_quality: bool
    default_vbr_quality: float
    default_effort: int
    default_page_ms: int
    tags: _containers.RepeatedScalarFieldContainer[str]
    lookahead_samples: int
    finalizes_header: bool
    sample_exact: bool
    lossless: bool
    def __init__(self, format: _Optional[_Union[AudioFormat, str]] = ..., name: _Optional[str] = ..., mime_type: _Optional[str] = ..., file_extension: _Optional[str] = ..., sample_rates_hz: _Optional[_Iterable[int]] = ..., min_sample_rate_hz: _Optional[int] = ..., max_sample_rate_hz: _Optional[int] = ..., channels: _Optional[_Iterable[int]] = ..., sample_formats: _Optional[_Iterable[_Union[SampleFormat, str]]] = ..., min_bitrate_bps: _Optional[int] = ..., max_bitrate_bps: _Optional[int] = ..., default_bitrate_bps_per_channel: _Optional[int] = ..., vbr_quality: bool = ..., default_vbr_quality: _Optional[float] = ..., default_effort: _Optional[int] = ..., default_page_ms: _Optional[int] = ..., tags: _Optional[_Iterable[str]] = ..., lookahead_samples: _Optional[int] = ..., finalizes_header: bool = ..., sample_exact: bool = ..., lossless: bool = ...) -> None: ...
