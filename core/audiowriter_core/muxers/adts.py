"""AAC in ADTS: a header before every frame. ISO/IEC 13818-7:2006, section 6.2; ISO/IEC 14496-3, 1.A.2.2.

ADTS cannot store delay and padding. Decoders return both as silence, and `Finished` has their lengths.
"""

from collections.abc import Sequence
from typing import ClassVar

from ..codecs.base import Codec, Packet
from ..options import OutputOptions
from .base import Finish, MuxerSpec

SAMPLE_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
"""In Hz, in the order of sampling_frequency_index."""

HEADER_BYTES = 7
_LOW_COMPLEXITY = 1
_VARIABLE_BUFFER = 0x7FF


class AdtsMuxer:
    """Writes a header before each frame. A file has at least three frames."""

    # FFmpeg recognises ADTS by three frames in a row. It takes many shorter files, even its own, for another format. The
    # delay is one frame, so 1025 samples make three.
    spec: ClassVar[MuxerSpec] = MuxerSpec(sample_exact=False, min_samples=1024 + 1, joinable=True)

    def __init__(self, output: OutputOptions, codec: Codec) -> None:
        self._rate, self._channels = output.sample_rate_hz, output.channels
        self._delay_samples = codec.delay_samples
        self.samples_out = 0

    def start(self) -> bytes:
        return b""

    def write(self, packets: Sequence[Packet]) -> bytes:
        self.samples_out += sum(packet.samples for packet in packets)
        return b"".join([frame(packet.data, self._rate, self._channels) for packet in packets])

    def flush(self) -> bytes:
        return b""

    def finish(self, packets: Sequence[Packet], samples: int) -> Finish:
        frames = self.write(packets)
        return Finish(trailer=frames, padding_samples=self.samples_out - self._delay_samples - samples)


def frame(raw_data_block: bytes, sample_rate: int, channels: int) -> bytes:
    """Return an ADTS frame of AAC-LC without CRC. `channels`: 1 to 6, which is also the channel_configuration."""
    bits = 0xFFF << 44  # syncword, 12 bits; then ID 0 (MPEG-4) and layer 0
    bits |= 1 << 40  # protection_absent
    bits |= _LOW_COMPLEXITY << 38  # profile_ObjectType, 2 bits
    bits |= SAMPLE_RATES.index(sample_rate) << 34  # 4 bits, then private_bit
    bits |= channels << 30  # channel_configuration, 3 bits, then original, home, copyright id and start
    bits |= (HEADER_BYTES + len(raw_data_block)) << 13  # aac_frame_length, 13 bits
    bits |= _VARIABLE_BUFFER << 2  # adts_buffer_fullness, 11 bits; then number_of_raw_data_blocks_in_frame - 1
    return bits.to_bytes(HEADER_BYTES, "big") + raw_data_block
