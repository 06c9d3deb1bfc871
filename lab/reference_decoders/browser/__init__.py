"""Checks of the files with Chromium: decodeAudioData, <audio> and Media Source."""
