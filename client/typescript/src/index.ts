/**
 * Client of an audiowriter server: live PCM in, finished audio files out.
 *
 * ```ts
 * const client = new AudioWriterClient("localhost:50051");
 * const config = streamConfig({ format: "mp3", sampleRateHz: 24_000 });
 * const totals = await client.encodeStream(config, "speech.mp3", speech()); // an iterable of blocks
 * client.close();
 * ```
 *
 * 64-bit integers of the contract are numbers: lengths of files and counts of samples stay far below 2^53, and can be used
 * with the lengths and positions of JavaScript. A larger number in a response is an error.
 *
 * @packageDocumentation
 */
export { AudioWriterClient, type ClientOptions } from "./client.js";
export {
  streamConfig,
  type ConfigOptions,
  type SampleFormatName,
  type StreamConfigInit,
  type TagOptions,
} from "./config.js";
export {
  AudioWriterError,
  CallFailed,
  DeadlineExceeded,
  InvalidArgument,
  LimitExceeded,
  ServiceUnavailable,
  StreamCancelled,
  TruncatedStream,
  type CallDetails,
  type Violation,
} from "./errors.js";
export type { FileIterator } from "./file-iterator.js";
export { AUDIO_FORMATS, type FormatName } from "./formats.js";
export * from "./gen/audiowriter/v1/audio_writer.js";
export type { Duration } from "./gen/google/protobuf/duration.js";
export type { CallOptions, EncodeOptions, Headers, StreamOptions } from "./options.js";
export type { Pcm } from "./pcm.js";
export { seconds } from "./seconds.js";
export type { Destination, Sink } from "./sink.js";
export type { AudioWriter, WriteOptions } from "./writer.js";
