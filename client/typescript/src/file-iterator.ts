import { Changes } from "./changes.js";
import { cancelled } from "./errors.js";
import type { StreamStarted, Totals } from "./gen/audiowriter/v1/audio_writer.js";
import type { Pcm } from "./pcm.js";
import type { Sink } from "./sink.js";
import type { AudioWriter } from "./writer.js";

/** Bytes of the file that may wait for the consumer, besides the one chunk that exceeds it. */
const BUFFER_BYTES = 256 * 1024;

/**
 * The bytes of a file while it is encoded: in order, and never empty.
 *
 * The iterator ends only if the file is complete and verified; otherwise it rejects. The bytes can be played as they come. A
 * stored file needs one correction at the end: replace its first bytes by `header`.
 *
 * `return()` cancels the call, as does leaving a `for await` loop.
 */
export class FileIterator implements AsyncIterableIterator<Uint8Array> {
  readonly #writer: AudioWriter;
  readonly #buffer: Buffered;
  readonly #fed: Promise<Totals>;
  #closed = false;

  /** @internal */
  constructor(writer: AudioWriter, buffer: Buffered, pcm: AsyncIterable<Pcm> | Iterable<Pcm>) {
    this.#writer = writer;
    this.#buffer = buffer;
    this.#fed = writer.writeAll(pcm);
    this.#fed.catch(() => undefined); // next() rejects with it
  }

  /** Return the bytes that have arrived, and wait until there are some. */
  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const data = this.#closed ? undefined : await this.#buffer.take();
    if (data !== undefined) return { done: false, value: data };
    if (!this.#closed) {
      this.#closed = true;
      await this.#fed;
    }
    return { done: true, value: undefined };
  }

  /** Cancel the call, and close the iterable of PCM. Does nothing after the end. */
  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#closed = true;
    this.#buffer.abandon();
    await this.#writer.cancel();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** The output as the server resolved it, and the MIME type. Resolves when the server has accepted the stream. */
  get started(): Promise<StreamStarted> {
    return this.#writer.accepted();
  }

  /** Totals of the finished file. Throws an Error before the end. */
  get result(): Totals {
    return this.#writer.result;
  }

  /** The bytes that replace the first ones of the file; may be empty. Throws an Error before the end. */
  get header(): Uint8Array {
    return this.#writer.header;
  }
}

/** A sink whose bytes the consumer takes. The reader of the responses waits while it is full. */
export class Buffered implements Sink {
  readonly #changes = new Changes();
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #ended = false;

  async write(data: Uint8Array): Promise<void> {
    await this.#changes.until(() => this.#ended || this.#waitingBytes < BUFFER_BYTES);
    if (this.#ended) throw cancelled();
    this.#waiting.push(data);
    this.#waitingBytes += data.length;
    this.#changes.notify();
  }

  /** The writer has the header. */
  finish(): void {
    this.discard();
  }

  discard(): void {
    this.#ended = true;
    this.#changes.notify();
  }

  /** Accept and return no more bytes. */
  abandon(): void {
    this.#waiting = [];
    this.discard();
  }

  /** Wait for bytes, and return all that are waiting; undefined at the end. */
  async take(): Promise<Uint8Array | undefined> {
    await this.#changes.until(() => this.#waiting.length > 0 || this.#ended);
    const [first] = this.#waiting;
    const data = this.#waiting.length > 1 ? Buffer.concat(this.#waiting) : first;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#changes.notify();
    return data;
  }
}
