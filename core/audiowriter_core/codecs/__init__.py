"""Codecs, one file each: samples to packets. FLAC and Vorbis write whole files: libsndfile joins codec and container."""
