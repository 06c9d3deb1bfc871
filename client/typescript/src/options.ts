import type { Metadata } from "@grpc/grpc-js";
import type { DeepPartial, Marker } from "./gen/audiowriter/v1/audio_writer.js";

/** Metadata of a call: gRPC's, or an object with one text per name. */
export type Headers = Metadata | Record<string, string>;

/** The options of every call. */
export interface CallOptions {
  /** Sent with the call, in addition to the client's. */
  metadata?: Headers | undefined;
  /**
   * Limits the call with all its attempts, in ms; a stream until its end. When it expires, {@link DeadlineExceeded} is thrown.
   * Default: no limit.
   */
  timeoutMs?: number | undefined;
  /** Cancels the call: it rejects with {@link StreamCancelled}, whose cause is the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** The options of `encode`. */
export interface EncodeOptions extends CallOptions {
  /** Markers, which become chapters. */
  markers?: DeepPartial<Marker>[] | undefined;
}

/** The options of a stream. */
export interface StreamOptions extends CallOptions {
  /**
   * For how long a stream that has lost its server looks for another one, in ms. Default: 60 s. 0: the loss is reported at
   * once, and no PCM is kept.
   *
   * If the call ends with UNAVAILABLE, or the connection or the stream is reset, the stream is sent again from its start to any
   * server of the client. Meanwhile `write` only waits. Files are written again from their start. Other sinks get the bytes
   * that follow those that they have. If the new server encodes the audio to other bytes, Opus and AAC go on with its packets
   * (but not in M4A); in other formats the stream fails with a {@link CallFailed} whose reason is RESUME_MISMATCH.
   */
  resumeTimeoutMs?: number | undefined;
  /**
   * How much PCM is kept so that it can be sent to another server, in bytes: 4 MiB of it in memory, the rest in a temporary
   * file. A flush counts as 8 bytes, and a position or a change of channel as 24. A longer stream goes on, but does not survive
   * the loss of its server. Default: 1 GiB.
   */
  spoolBytes?: number | undefined;
  /**
   * How much PCM is gathered for one message, as its duration in ms; it is at most 256 KiB. `flush` and `close` send the rest.
   * Long messages cost the server much less than frames of 20 ms. Default: 1 s for a file, because nobody listens to it
   * meanwhile, and 0 for any other sink.
   */
  bufferMs?: number | undefined;
}

/** Throw RangeError if an option is negative or not a number. */
export function checkOptions({ resumeTimeoutMs, spoolBytes, bufferMs }: StreamOptions): void {
  for (const [name, value] of Object.entries({ resumeTimeoutMs, spoolBytes, bufferMs })) {
    if (value !== undefined && !(typeof value === "number" && value >= 0)) {
      throw new RangeError(`${name}=${String(value)}: expected a number, 0 or more`);
    }
  }
}
