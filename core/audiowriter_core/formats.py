"""The table of formats, one row per format. Names, extensions, MIME types and enum numbers are defined only here.

To add a format, write a codec in codecs/ or a muxer in muxers/, and add a row to this table. The choices of the command, the
tables in the README and the documents, and the format lists of the tests are derived from the table.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .codecs.aac import AacCodec
from .codecs.base import Codec, CodecSpec, FileEncoder
from .codecs.flac import FlacFile
from .codecs.flac_packets import FlacCodec
from .codecs.g711 import AlawCodec, MulawCodec
from .codecs.mp3 import Mp3Codec
from .codecs.opus import OpusCodec
from .codecs.pcm import PcmCodec
from .codecs.vorbis import OggVorbisFile
from .muxers.adts import AdtsMuxer
from .muxers.base import Muxer, MuxerSpec
from .muxers.mp3 import Mp3Muxer
from .muxers.mp4.fragmented import FragmentedMp4Muxer
from .muxers.mp4.m4a import M4aMuxer
from .muxers.ogg_flac import OggFlacMuxer
from .muxers.ogg_opus import OggOpusMuxer
from .muxers.raw import RawMuxer
from .muxers.wav import WavMuxer
from .muxers.webm.muxer import WebmOpusMuxer
from .options import OutputOptions
from .packet_encoder import PacketEncoder


@dataclass(frozen=True, eq=False)
class Format:
    """A codec in a container."""

    name: str
    """Short name in lower case, such as "mp3"."""
    number: int
    """Value in the AudioFormat enum of the proto file."""
    title: str
    """Display name."""
    mime_type: str
    extensions: tuple[str, ...]
    """File name extensions, with the dot. The first is the default; `format_for_extension` accepts all of them."""
    codec: CodecSpec
    container: MuxerSpec
    open: Callable[[OutputOptions], FileEncoder]
    """Opens the native encoder. The options must come from `resolve`."""

    @property
    def file_extension(self) -> str:
        """The default extension."""
        return self.extensions[0]

    @property
    def tags(self) -> tuple[str, ...]:
        """Names of the tags that the format supports."""
        return self.container.tags

    @property
    def wav_headers(self) -> tuple[str, ...]:
        """Values of wav_header, the default first. Empty: the format is not WAV.

        G.711 has the full header only: TagLib and Symphonia read no G.711 without a `fact` chunk.
        """
        headers = self.container.wav_headers
        return headers if self.lossless else headers[:1]

    @property
    def lossless(self) -> bool:
        """Whether decoders return exactly the samples that were encoded."""
        return self.codec.lossless

    @property
    def sample_exact(self) -> bool:
        """Whether decoders return exactly the number of samples that were encoded."""
        return self.container.sample_exact

    @property
    def joinable(self) -> bool:
        """Whether a listener who has the first packets from one encoder can get the following ones from another."""
        return self.codec.joinable and self.container.joinable

    @property
    def finalizes_header(self) -> bool:
        """Whether Finished has a header that replaces the first bytes of the file."""
        return self.container.finalizes_header

    @property
    def lookahead_samples(self) -> int:
        """Maximum samples per channel, at 24 kHz and the default page_ms, gathered before their bytes are returned."""
        return self.codec.lookahead_samples + self.container.page_samples


def _row(
    name: str,
    number: int,
    title: str,
    mime_type: str,
    extensions: tuple[str, ...],
    codec: type[Codec],
    muxer: type[Muxer],
) -> Format:
    def open_encoder(output: OutputOptions) -> FileEncoder:
        opened = codec(output)
        return PacketEncoder(output, opened, muxer(output, opened))

    return Format(name, number, title, mime_type, extensions, codec.spec, muxer.spec, open_encoder)


def _file_row(
    name: str,
    number: int,
    title: str,
    mime_type: str,
    extensions: tuple[str, ...],
    encoder: type[FlacFile] | type[OggVorbisFile],
) -> Format:
    return Format(name, number, title, mime_type, extensions, encoder.spec, encoder.container, encoder)


_WAV = (".wav",)

_ROWS = (
    _row("wav", 1, "WAV (RF64 beyond 4 GiB)", "audio/wav", _WAV, PcmCodec, WavMuxer),
    _file_row("vorbis", 2, "Ogg Vorbis", "audio/ogg; codecs=vorbis", (".ogg",), OggVorbisFile),
    _row("opus", 3, "Ogg Opus", "audio/ogg; codecs=opus", (".opus",), OpusCodec, OggOpusMuxer),
    _file_row("flac", 4, "FLAC, 16 and 24 bits", "audio/flac", (".flac",), FlacFile),
    _row("mp3", 5, "MP3, CBR and VBR", "audio/mpeg", (".mp3",), Mp3Codec, Mp3Muxer),
    _row("aac", 6, "AAC in ADTS", "audio/aac", (".aac",), AacCodec, AdtsMuxer),
    _row("pcm", 7, "raw PCM", "audio/pcm", (".pcm", ".raw"), PcmCodec, RawMuxer),
    _row("wav-mulaw", 8, "G.711 µ-law in WAV", "audio/vnd.wave; codec=7", _WAV, MulawCodec, WavMuxer),
    _row("wav-alaw", 9, "G.711 A-law in WAV", "audio/vnd.wave; codec=6", _WAV, AlawCodec, WavMuxer),
    _row("mulaw", 10, "raw G.711 µ-law", "audio/basic", (".ul",), MulawCodec, RawMuxer),
    _row("alaw", 11, "raw G.711 A-law", "audio/x-alaw-basic", (".al",), AlawCodec, RawMuxer),
    _row("m4a", 12, "AAC in M4A", "audio/mp4", (".m4a",), AacCodec, M4aMuxer),
    _row("fmp4", 13, "AAC in fragmented MP4", "audio/mp4", (".mp4",), AacCodec, FragmentedMp4Muxer),
    _row("webm", 14, "Opus in WebM", "audio/webm; codecs=opus", (".webm",), OpusCodec, WebmOpusMuxer),
    _row("ogg-flac", 15, "FLAC in Ogg", "audio/ogg; codecs=flac", (".oga",), FlacCodec, OggFlacMuxer),
)

FORMATS: dict[str, Format] = {row.name: row for row in _ROWS}
"""All formats by name, in the order of their numbers."""


def format_for_extension(extension: str) -> Format | None:
    """Return the format of an extension such as ".mp3", in upper or lower case, or None if there is none."""
    return next((row for row in _ROWS if extension.lower() in row.extensions), None)
