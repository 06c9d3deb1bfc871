import {
  EncodeStreamRequest,
  type Marker,
  type ResumePoint,
  type StreamConfig,
} from "./gen/audiowriter/v1/audio_writer.js";
import { NOWHERE, Spool, type Piece, type Place } from "./spool.js";

/**
 * Maximum PCM of one message, in bytes. Each message costs both sides about 50 µs whatever its size, so small writes are
 * joined. Beyond 256 KiB joining gains nothing, and the server accepts at most 1 MiB.
 */
export const MESSAGE_BYTES = 256 * 1024;

/** Enough to keep the connection busy while the caller produces samples; more would only add latency and memory. */
const QUEUE_BYTES = 4 * MESSAGE_BYTES;

/**
 * A bounded queue of PCM and flushes that joins waiting items into as few messages as possible. What was taken is kept in a
 * spool, so that all of it can be taken again.
 */
export class RequestQueue {
  readonly spool: Spool;
  /** Sent with the config. */
  resume: ResumePoint | undefined;
  configTaken = false;
  ended = false;

  readonly #config: StreamConfig;
  readonly #gatherBytes: number;
  // PCM; the place of the PCM that follows, unless it follows the one before; or a flush.
  #waiting: (Uint8Array | Place | "flush")[] = [];
  readonly #sampleBytes: number;
  readonly #channels: number;
  #channel = 0; // of the last PCM that was put
  #takenChannel = 0; // of the last that was taken
  readonly #nextBytes = new Map<number, number>(); // by channel: after the last PCM that was put
  #waitingBytes = 0;
  #waitingFlushes = 0;
  #descriptions: EncodeStreamRequest[] = []; // kept, because each call of the stream needs them
  #descriptionsTaken = 0;

  /** `spoolBytes`: limit of the spool; 0: nothing is kept. `gatherBytes`: PCM that waits for more, at most MESSAGE_BYTES. */
  constructor(config: StreamConfig, spoolBytes: number, gatherBytes: number, sampleBytes: number) {
    this.#sampleBytes = sampleBytes;
    this.#channels = config.input?.channels || 1;
    this.#config = config;
    this.spool = new Spool(spoolBytes);
    this.#gatherBytes = gatherBytes;
  }

  /** Whether a caller should wait before the next `put`. */
  get full(): boolean {
    return this.#waitingBytes >= QUEUE_BYTES;
  }

  /** Whether there is a message to take. If `ended` and no longer ready, everything was taken. */
  get ready(): boolean {
    if (!this.configTaken || this.#descriptionsTaken < this.#descriptions.length || this.spool.behind) return true;
    const enough = this.#waitingBytes >= this.#gatherBytes || this.#waitingFlushes > 0 || this.ended;
    return this.#waiting.length > 0 && enough;
  }

  /** Send everything again, beginning with the config and `resume`. */
  beginAgain(resume: ResumePoint | undefined): void {
    this.configTaken = false;
    this.resume = resume;
    this.#descriptionsTaken = 0;
    this.spool.rewind();
  }

  /** Append a piece of at most MESSAGE_BYTES. It is copied, so the caller may reuse its buffer. */
  put(piece: Uint8Array, { position, channel }: Place): void {
    let start = this.#nextBytes.get(channel) ?? 0;
    if (channel !== this.#channel || position !== undefined) {
      const expected = start;
      if (position !== undefined) start = position * this.#sampleBytes * (channel > 0 ? 1 : this.#channels);
      if (channel !== this.#channel || start !== expected) this.#waiting.push({ position, channel });
      this.#channel = channel;
    }
    this.#nextBytes.set(channel, start + piece.length);
    this.#waiting.push(new Uint8Array(piece));
    this.#waitingBytes += piece.length;
  }

  /** Append what describes the audio. It may overtake PCM, because it belongs to the whole file. */
  describe(request: EncodeStreamRequest): void {
    this.#descriptions.push(request);
  }

  /** The markers so far. */
  get markers(): Marker[] {
    return this.#descriptions.flatMap(({ markers }) => markers);
  }

  /** Append a flush of everything before it. */
  putFlush(): void {
    this.#waiting.push("flush");
    this.#waitingFlushes++;
  }

  /** Return the next message: the config alone, then up to MESSAGE_BYTES of PCM, up to a flush and including it. */
  async take(): Promise<EncodeStreamRequest> {
    if (!this.configTaken) {
      this.configTaken = true;
      // Not as arguments: they would be copied without unknown fields.
      return Object.assign(EncodeStreamRequest.create(), { config: this.#config, resume: this.resume });
    }
    const description = this.#descriptions[this.#descriptionsTaken];
    if (description !== undefined) {
      this.#descriptionsTaken++;
      return description;
    }
    let piece: Piece;
    if (this.spool.behind) {
      piece = await this.spool.take(MESSAGE_BYTES);
    } else {
      piece = this.#takeWaiting();
      await this.spool.add(piece);
    }
    const { pcm, flush, place } = piece;
    return Object.assign(EncodeStreamRequest.create(), { pcm, flush: flush ? {} : undefined, ...place });
  }

  #takeWaiting(): Piece {
    const pieces: Uint8Array[] = [];
    let place: Place = { position: undefined, channel: this.#takenChannel };
    let bytes = 0;
    let count = 0;
    let flush = false;
    for (const item of this.#waiting) {
      if (item === "flush") flush = true;
      else if (item instanceof Uint8Array) {
        if (bytes + item.length > MESSAGE_BYTES) break;
        pieces.push(item);
        bytes += item.length;
      } else if (pieces.length > 0) break;
      else {
        place = item;
        this.#takenChannel = item.channel;
      }
      count++;
      if (flush) break;
    }
    this.#waiting.splice(0, count);
    this.#waitingBytes -= bytes;
    if (flush) this.#waitingFlushes--;
    const [first] = pieces;
    const pcm = pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces);
    return { pcm, flush, place: pieces.length > 0 ? place : NOWHERE };
  }
}
