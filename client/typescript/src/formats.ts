// Names of the formats. Made by `make generate` from the table in audiowriter_core.
import { AudioFormat } from "./gen/audiowriter/v1/audio_writer.js";

/** The AudioFormat by the format's name, which `listFormats` returns. */
export const AUDIO_FORMATS = {
  "wav": AudioFormat.WAV,
  "vorbis": AudioFormat.OGG_VORBIS,
  "opus": AudioFormat.OGG_OPUS,
  "flac": AudioFormat.FLAC,
  "mp3": AudioFormat.MP3,
  "aac": AudioFormat.AAC_ADTS,
  "pcm": AudioFormat.PCM,
  "wav-mulaw": AudioFormat.WAV_MULAW,
  "wav-alaw": AudioFormat.WAV_ALAW,
  "mulaw": AudioFormat.MULAW,
  "alaw": AudioFormat.ALAW,
  "m4a": AudioFormat.AAC_M4A,
  "fmp4": AudioFormat.AAC_FMP4,
  "webm": AudioFormat.WEBM_OPUS,
  "ogg-flac": AudioFormat.OGG_FLAC,
} as const;

/** Name of a format. */
export type FormatName = keyof typeof AUDIO_FORMATS;
