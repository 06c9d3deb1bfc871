"""Names of the formats. Made by `make generate` from the table in audiowriter_core."""

AUDIO_FORMATS = {
    "wav": "AUDIO_FORMAT_WAV",
    "vorbis": "AUDIO_FORMAT_OGG_VORBIS",
    "opus": "AUDIO_FORMAT_OGG_OPUS",
    "flac": "AUDIO_FORMAT_FLAC",
    "mp3": "AUDIO_FORMAT_MP3",
    "aac": "AUDIO_FORMAT_AAC_ADTS",
    "pcm": "AUDIO_FORMAT_PCM",
    "wav-mulaw": "AUDIO_FORMAT_WAV_MULAW",
    "wav-alaw": "AUDIO_FORMAT_WAV_ALAW",
    "mulaw": "AUDIO_FORMAT_MULAW",
    "alaw": "AUDIO_FORMAT_ALAW",
    "m4a": "AUDIO_FORMAT_AAC_M4A",
    "fmp4": "AUDIO_FORMAT_AAC_FMP4",
    "webm": "AUDIO_FORMAT_WEBM_OPUS",
    "ogg-flac": "AUDIO_FORMAT_OGG_FLAC",
}
"""Name of the AudioFormat value by the format's name, which ListFormats returns."""
