"""Reads a signal between its samples: a sinc with a Kaiser window, from a table of its values.

A. V. Oppenheim, R. W. Schafer, Discrete-Time Signal Processing, section 7.6, for the window; J. O. Smith, Digital Audio
Resampling, for the table with linear interpolation. Errors stay below -90 dB up to 0.42 of the sample rate.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

HALF = 20
"""Samples on each side of a point that its value depends on."""

_BETA = 8.96
"""Of the window: a stop band of -90 dB."""

_PHASES = 512
"""Rows of the table per sample. The error of linear interpolation between two of them is -106 dB."""

_BATCH = 1024
"""Points per calculation, whose arrays then fit into the cache of a core."""


@cache
def _table() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the gains of the samples around a point, and their steps to the next row; row: phase of the point."""
    distance = np.arange(1 - HALF, HALF + 1) - np.arange(_PHASES + 1)[:, None] / _PHASES
    inside = np.sqrt(np.clip(1 - (distance / HALF) ** 2, 0, None))
    gains = np.sinc(distance) * np.i0(_BETA * inside) / np.i0(_BETA)
    gains[distance == np.rint(distance)] = 0  # np.sinc leaves 1e-17
    gains[distance == 0] = 1
    steps = np.diff(gains, axis=0, append=gains[-1:])
    return gains, steps


def interpolate(samples: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values at these points, of shape (points, channels).

    `samples`: of shape (n, channels). `points`: in samples, from HALF - 1 to n - HALF. Point 0 is the first sample. A value
    does not depend on the other points, nor on samples further away than HALF.
    """
    values = np.empty((len(points), samples.shape[1]))
    for start in range(0, len(points), _BATCH):
        values[start : start + _BATCH] = _interpolate(samples, points[start : start + _BATCH])
    return values


def _interpolate(samples: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[Any]:
    table, steps = _table()
    # A point that rounding has moved to the end is the last phase of the sample before it.
    index = np.minimum(points.astype(np.intp), len(samples) - HALF - 1)
    phase = (points - index) * _PHASES
    row = phase.astype(np.intp)
    gains = steps[row]
    gains *= (phase - row)[:, None]
    gains += table[row]
    first = index - (HALF - 1)
    # Not einsum, whose order of additions depends on the CPU.
    return np.stack([(sliding_window_view(line, 2 * HALF)[first] * gains).sum(axis=1) for line in samples.T], axis=1)
