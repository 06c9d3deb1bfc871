"""Codecs, one file each. They turn samples into packets, except FLAC and Vorbis: libsndfile writes files directly."""
