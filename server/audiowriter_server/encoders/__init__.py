"""One file a format, and the table of all: a new format is a file and a line here."""

from audiowriter.v1 import audio_writer_pb2 as pb

from .aac import AacEncoder
from .base import Encoder
from .flac import FlacEncoder
from .fragmented_mp4 import FragmentedMp4Encoder
from .g711 import AlawEncoder, MulawEncoder, WavAlawEncoder, WavMulawEncoder
from .m4a import M4aEncoder
from .mp3 import Mp3Encoder
from .ogg_opus import OggOpusEncoder
from .ogg_vorbis import OggVorbisEncoder
from .pcm import PcmEncoder
from .wav import WavEncoder
from .webm_opus import WebmOpusEncoder

ENCODERS: dict[int, type[Encoder]] = {
    pb.AUDIO_FORMAT_WAV: WavEncoder,
    pb.AUDIO_FORMAT_OGG_VORBIS: OggVorbisEncoder,
    pb.AUDIO_FORMAT_OGG_OPUS: OggOpusEncoder,
    pb.AUDIO_FORMAT_FLAC: FlacEncoder,
    pb.AUDIO_FORMAT_MP3: Mp3Encoder,
    pb.AUDIO_FORMAT_AAC: AacEncoder,
    pb.AUDIO_FORMAT_PCM: PcmEncoder,
    pb.AUDIO_FORMAT_WAV_MULAW: WavMulawEncoder,
    pb.AUDIO_FORMAT_WAV_ALAW: WavAlawEncoder,
    pb.AUDIO_FORMAT_MULAW: MulawEncoder,
    pb.AUDIO_FORMAT_ALAW: AlawEncoder,
    pb.AUDIO_FORMAT_M4A: M4aEncoder,
    pb.AUDIO_FORMAT_FRAGMENTED_MP4: FragmentedMp4Encoder,
    pb.AUDIO_FORMAT_WEBM_OPUS: WebmOpusEncoder,
}
