"""Channel layouts in WAVE order, and the matrices that mix one layout to another."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

FRONT_LEFT, FRONT_RIGHT, FRONT_CENTRE, LOW_FREQUENCY = 0x1, 0x2, 0x4, 0x8
BACK_LEFT, BACK_RIGHT, BACK_CENTRE, SIDE_LEFT, SIDE_RIGHT = 0x10, 0x20, 0x100, 0x200, 0x400

LAYOUTS: dict[int, tuple[int, ...]] = {
    1: (FRONT_CENTRE,),
    2: (FRONT_LEFT, FRONT_RIGHT),
    3: (FRONT_LEFT, FRONT_RIGHT, FRONT_CENTRE),
    4: (FRONT_LEFT, FRONT_RIGHT, BACK_LEFT, BACK_RIGHT),
    5: (FRONT_LEFT, FRONT_RIGHT, FRONT_CENTRE, BACK_LEFT, BACK_RIGHT),
    6: (FRONT_LEFT, FRONT_RIGHT, FRONT_CENTRE, LOW_FREQUENCY, BACK_LEFT, BACK_RIGHT),
    7: (FRONT_LEFT, FRONT_RIGHT, FRONT_CENTRE, LOW_FREQUENCY, BACK_CENTRE, SIDE_LEFT, SIDE_RIGHT),
    8: (FRONT_LEFT, FRONT_RIGHT, FRONT_CENTRE, LOW_FREQUENCY, BACK_LEFT, BACK_RIGHT, SIDE_LEFT, SIDE_RIGHT),
}
"""The speakers for each channel count, as bits of WAVEFORMATEXTENSIBLE's dwChannelMask, in the order of the bits."""

FFMPEG_NAMES = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""FFmpeg's names of these layouts."""

MAX_CHANNELS = max(LAYOUTS)

_MINUS_3_DB = 2**-0.5

_TO_STEREO: dict[int, tuple[float, float]] = {
    FRONT_LEFT: (1, 0),
    FRONT_RIGHT: (0, 1),
    FRONT_CENTRE: (_MINUS_3_DB, _MINUS_3_DB),
    LOW_FREQUENCY: (0, 0),
    BACK_LEFT: (_MINUS_3_DB, 0),
    BACK_RIGHT: (0, _MINUS_3_DB),
    BACK_CENTRE: (0.5, 0.5),
    SIDE_LEFT: (_MINUS_3_DB, 0),
    SIDE_RIGHT: (0, _MINUS_3_DB),
}
"""Gains of each speaker in left and right. ITU-R BS.775-4, annex 4, table 2, which omits the low frequency channel."""


def channel_mask(channels: int) -> int:
    """Return the dwChannelMask of a channel count."""
    return sum(LAYOUTS[channels])


def can_mix(source: int, target: int) -> bool:
    """Whether `source` channels can be mixed to `target`: to the same count, to mono or to stereo."""
    return source == target or target <= 2


def mix_matrix(source: int, target: int) -> NDArray[Any]:
    """Return the gains for `mix`, as an array of shape (source, target).

    The gains of one target channel add up to at most 1, so mixing never clips.
    """
    if source == target:
        return np.eye(source)
    if source == 1:
        return np.ones((1, 2))
    stereo = np.array([_TO_STEREO[speaker] for speaker in LAYOUTS[source]], float)
    stereo /= stereo.sum(axis=0).max()
    return stereo if target == 2 else stereo.mean(axis=1, keepdims=True)


def mix(samples: NDArray[Any], matrix: NDArray[Any]) -> NDArray[Any]:
    """Return `samples @ matrix`, of the same dtype, with sums in the order of the channels.

    BLAS rounds the product of one frame differently from that of many, so a file would depend on how its input was cut.
    """
    gains = matrix.astype(samples.dtype)
    mixed: NDArray[Any] = samples[:, :1] * gains[0]
    for channel in range(1, len(gains)):
        mixed += samples[:, channel : channel + 1] * gains[channel]
    return mixed


VORBIS_ORDER: dict[int, tuple[int, ...]] = {
    1: (0,),
    2: (0, 1),
    3: (0, 2, 1),
    4: (0, 1, 2, 3),
    5: (0, 2, 1, 3, 4),
    6: (0, 2, 1, 4, 5, 3),
    7: (0, 2, 1, 5, 6, 4, 3),
    8: (0, 2, 1, 6, 7, 4, 5, 3),
}
"""The channel order of Vorbis, as indices into WAVE order. Vorbis I, section 4.3.9; RFC 7845, section 5.1.1.2."""
