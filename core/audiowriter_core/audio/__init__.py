"""PCM: sample types, channel layouts, framing, conversion, resampling. Samples are arrays of shape (frames, channels)."""
