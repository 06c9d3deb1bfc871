"""PCM: sample types, channel layouts, framing, conversion and resampling. Sample arrays have shape (frames, channels)."""
