"""Records the RTP packets of a capture (pcap) as FLAC. Lost packets become silence, and reordered ones fall into place.

    python rtp_recorder.py call.pcap call.flac

Takes UDP over IPv4 with payload types 0 (µ-law) and 8 (A-law), without header extensions: RFC 3550, section 5.1, and RFC
3551, section 6. Packets whose audio is before that of the first packet are left out.
"""

import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from audiowriter_core import Finished, open_audio

RATE = 8000
LAWS = {0: "mulaw", 8: "alaw"}
_ETHERNET_HEADER, _UDP_HEADER, _RTP_HEADER = 14, 8, 12


def packets(capture: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield payload type, time stamp and payload of each RTP packet in a pcap file."""
    at = 24
    while at < len(capture):
        size = struct.unpack_from("<I", capture, at + 8)[0]
        frame = capture[at + 16 : at + 16 + size]
        at += 16 + size
        ip = frame[_ETHERNET_HEADER:]
        rtp = ip[4 * (ip[0] & 15) + _UDP_HEADER :]
        first, kind, _, timestamp = struct.unpack_from(">BBHI", rtp)
        if first >> 6 == 2:
            yield kind & 127, timestamp, rtp[_RTP_HEADER + 4 * (first & 15) :]


def record(capture: bytes, path: str | Path) -> Finished:
    """Write the audio of the first payload type of G.711 to a file."""
    stream = [packet for packet in packets(capture) if packet[0] in LAWS]
    law, previous, _ = stream[0]
    position = 0
    with open_audio(path, sample_rate_hz=RATE, sample_format=LAWS[law], max_skew_ms=500) as file:
        for kind, timestamp, payload in stream:
            # The time stamp has 32 bits and wraps around. A packet that was overtaken goes back.
            position += (timestamp - previous + 2**31) % 2**32 - 2**31
            previous = timestamp
            if kind == law and position >= 0:
                file.write(payload, position=position)
    return file.result


if __name__ == "__main__":
    finished = record(Path(sys.argv[1]).read_bytes(), sys.argv[2])
    print(
        f"{finished.duration_s:.2f} s, {finished.filled_samples} samples of silence, {finished.dropped_samples} dropped"
    )
