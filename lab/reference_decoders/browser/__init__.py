"""What Chromium makes of the files: decodeAudioData, <audio> and Media Source."""
