"""Files without a container."""

from collections.abc import Sequence
from typing import ClassVar

from ..codecs.base import Codec, Packet
from ..options import OutputOptions
from .base import Finish, MuxerSpec


class RawMuxer:
    """Writes the packets and nothing else."""

    spec: ClassVar[MuxerSpec] = MuxerSpec()

    def __init__(self, output: OutputOptions, codec: Codec) -> None:
        self.samples_out = 0

    def start(self) -> bytes:
        return b""

    def write(self, packets: Sequence[Packet]) -> bytes:
        self.samples_out += sum(packet.samples for packet in packets)
        return b"".join([packet.data for packet in packets])

    def flush(self) -> bytes:
        return b""

    def finish(self, packets: Sequence[Packet], samples: int) -> Finish:
        return Finish(trailer=self.write(packets))
