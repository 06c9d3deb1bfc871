import { Writable } from "node:stream";
import {
  EncodeStreamRequest,
  type DeepPartial,
  type Marker,
  type StreamFlushed,
  type StreamStarted,
  type Totals,
} from "./gen/audiowriter/v1/audio_writer.js";
import { lateMetadata, type TagOptions } from "./config.js";
import type { Pcm } from "./pcm.js";
import { MESSAGE_BYTES } from "./queue.js";
import type { Session } from "./session.js";
import type { StreamState } from "./stream-state.js";

/** Where PCM belongs. The config needs `maxGapMs`, `maxSkewMs` or `maxJitterMs`. */
export interface WriteOptions {
  /** First sample, per channel, since the start of the stream. Default: after the PCM before it. */
  position?: number | undefined;
  /** The only channel that the PCM has, from 1. Default, and 0: all channels, interleaved. */
  channel?: number | undefined;
}

/**
 * A file that the service encodes while its PCM is being written.
 *
 * Every writer needs `close` or `cancel`; otherwise it leaves a stream on the server. `await using` cancels it at the end of
 * the block if it was not closed. Every method rejects with the error that the stream has failed with.
 */
export class AudioWriter {
  readonly #state: StreamState;
  readonly #session: Session;
  #last: Promise<void> = Promise.resolve();

  /** @internal */
  constructor(state: StreamState, session: Session) {
    this.#state = state;
    this.#session = session;
  }

  /**
   * Send PCM: bytes cut anywhere, even inside a sample, or a typed array of the config's sample format.
   *
   * Resolves when there is room for more: it waits while the server or the sink is behind, and while the stream is sent again
   * to another server. The array may be reused then. Calls that are not awaited keep their order.
   *
   * Rejects with TypeError for an array that does not match the sample format, and with an Error after `close`.
   */
  write(pcm: Pcm, { position, channel = 0 }: WriteOptions = {}): Promise<void> {
    return this.#inOrder(async () => {
      const bytes = this.#state.layout.toBytes(pcm);
      this.#state.layout.checkPlace({ position, channel });
      this.#state.checkOpen();
      for (let start = 0; start < bytes.length; start += MESSAGE_BYTES) {
        await this.#session.changes.until(() => this.#state.canWrite);
        this.#state.check();
        const place = { position: start === 0 ? position : undefined, channel };
        this.#state.requests.put(bytes.subarray(start, start + MESSAGE_BYTES), place);
        if (this.#state.canSend) this.#session.changes.notify();
      }
    });
  }

  /**
   * Make the server send everything that it can without harm to the stream. Resolves when these bytes have been written to
   * the sink. The result has the number of samples that are still held.
   */
  async flush(): Promise<StreamFlushed> {
    let number = 0;
    await this.#inOrder(() => {
      number = this.#state.putFlush();
      this.#session.changes.notify();
      return Promise.resolve();
    });
    await this.#until(() => this.#state.flushAnswers >= number);
    return this.#state.flushed!;
  }

  /**
   * Add tags to the file, or replace those of the same names, and add markers, which become chapters. An empty value removes a
   * tag. The config must reserve room: see {@link ConfigOptions.metadataBytes}; a marker takes about 100 bytes.
   *
   * Allowed at any time before `close`, for markers also before their audio. Does not wait for the server. What does not fit,
   * or the format does not have, ends the stream: a later method rejects with {@link InvalidArgument}, which names the tag or
   * the marker and the bytes that are left.
   *
   * @throws TypeError and RangeError as `streamConfig` does, and the error of the stream.
   */
  describe(tags: TagOptions, markers: readonly DeepPartial<Marker>[] = []): void {
    const request = EncodeStreamRequest.create({ metadata: lateMetadata(tags), markers: [...markers] });
    this.#state.checkOpen();
    this.#state.requests.describe(request);
    this.#session.changes.notify();
  }

  /** Return the markers as a WebVTT file. Throws the same errors as `result`. */
  markersWebVtt(): string {
    return this.#state.markersWebVtt();
  }

  /** End the PCM and wait until the file is complete and verified. Returns its totals. Closing twice has no effect. */
  async close(): Promise<Totals> {
    await this.#inOrder(() => {
      this.#state.requests.ended = true;
      this.#session.changes.notify();
      return this.#session.ended;
    });
    return this.result;
  }

  /**
   * Cancel the stream and discard the unfinished file, and wait until the sink is no longer in use. Does nothing after the end
   * of the stream. `cause` becomes the cause of the {@link StreamCancelled} that other methods reject with.
   */
  async cancel(cause?: unknown): Promise<void> {
    this.#session.cancel(cause);
    await this.#session.ended;
  }

  /** The output as the server resolved it, with every default filled in. */
  get started(): StreamStarted {
    if (this.#state.started === undefined) this.#state.check();
    return this.#state.started!;
  }

  /** Number of bytes of the file received so far. */
  get bytesReceived(): number {
    return this.#state.bytesReceived;
  }

  /** Totals of the finished file. Throws an Error before `close`. */
  get result(): Totals {
    return this.#state.end.totals;
  }

  /**
   * The bytes that replace the first ones of the file; may be empty. Only a destination that gets live bytes needs them: others
   * have them in place. Throws the same errors as `result`.
   */
  get header(): Uint8Array {
    return this.#state.end.header;
  }

  /**
   * Return a Node.js stream that writes to this writer, for `pipeline`. It takes bytes. Its end closes the writer: it has
   * finished when the file is complete and verified. Destroying it cancels the writer.
   */
  createWriteStream(): Writable {
    const stream = new Writable({
      highWaterMark: MESSAGE_BYTES,
      decodeStrings: false,
      write: (chunk: Pcm, _encoding, callback) => {
        this.write(chunk).then(() => callback(), callback);
      },
      final: (callback) => {
        this.close().then(() => callback(), callback);
      },
      destroy: (error, callback) => {
        void this.cancel(error ?? undefined).then(() => callback(error)); // never rejects
      },
    });
    void this.#session.ended.then(() => {
      if (this.#state.error !== undefined) stream.destroy(this.#state.error);
    });
    return stream;
  }

  /** Cancel the stream if it was not closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.cancel();
  }

  /**
   * Wait until the server has accepted the stream.
   * @internal
   */
  async accepted(): Promise<StreamStarted> {
    await this.#until(() => this.#state.started !== undefined);
    return this.started;
  }

  /**
   * Write all blocks of an iterable, and close the writer. If something fails, the writer is cancelled and the iterable closed.
   * @internal
   */
  async writeAll(pcm: AsyncIterable<Pcm> | Iterable<Pcm>): Promise<Totals> {
    const blocks: Iterator<Pcm> | AsyncIterator<Pcm> =
      Symbol.asyncIterator in pcm ? pcm[Symbol.asyncIterator]() : pcm[Symbol.iterator]();
    let exhausted = false;
    let wake = (): void => undefined;
    void this.#session.ended.then(() => wake()); // the stream may fail while the next block is awaited
    try {
      while (!exhausted && !this.#state.ended) {
        // Not Promise.race, which would leave a reaction per block on a promise that lives as long as the stream.
        const next = await new Promise<IteratorResult<Pcm> | undefined>((resolve, reject) => {
          wake = () => resolve(undefined);
          Promise.resolve(blocks.next()).then(resolve, reject);
        });
        exhausted = next?.done === true;
        if (next?.done !== true && next !== undefined) await this.write(next.value);
      }
      return await this.close();
    } catch (error) {
      await this.cancel(error);
      throw error;
    } finally {
      // Not awaited: an iterable that waits for its next block would never return.
      if (!exhausted) void Promise.resolve(blocks.return?.()).catch(() => undefined);
    }
  }

  #inOrder<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#last.then(action);
    this.#last = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  async #until(happened: () => boolean): Promise<void> {
    await this.#session.changes.until(() => this.#state.ended || happened());
    if (!happened()) this.#state.check();
  }
}
