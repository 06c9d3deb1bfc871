import { randomUUID } from "node:crypto";
import { open, unlink, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Default limit: three hours of 48 kHz stereo in 16 bits. */
export const SPOOL_BYTES = 1024 ** 3;

const MEMORY_BYTES = 4 * 1024 ** 2;
const WRITE_BYTES = 256 * 1024;
const FLUSH_BYTES = 8;
const PLACE_BYTES = 24;

/** `position` and `channel` of a message. Without a position, it follows the message before it, of the same channel. */
export interface Place {
  position: number | undefined;
  channel: number;
}

export const NOWHERE: Place = { position: undefined, channel: 0 };

/** A run of PCM at one place, and whether a flush follows it. */
export interface Piece {
  pcm: Uint8Array;
  flush: boolean;
  place: Place;
}

/**
 * Keeps the PCM that a stream has sent and the places of PCM and flushes, so that they can be sent again. They are in memory
 * at first, then in a temporary file that has no name.
 */
export class Spool {
  /** Whether everything that was added is still there. False after the limit, or after an error of the disk. */
  complete: boolean;

  readonly #limit: number;
  #length = 0; // of the PCM, in bytes
  #flushes: number[] = []; // positions in the PCM
  #position = 0; // of the next PCM to take
  #next = 0; // index of the next flush to take
  #places: (Place & { offset: number })[] = [];
  #nextPlace = 0;
  #channel = 0; // of the last PCM
  #buffer: Uint8Array[] = []; // the PCM that is not in the file
  #bufferBytes = 0;
  #file: FileHandle | undefined;
  #path = "";

  /** `limit`: bytes of PCM, of which a flush takes 8 and a place 24. 0: nothing is kept. */
  constructor(limit: number) {
    this.#limit = limit;
    this.complete = limit > 0;
  }

  /** Whether there is something to take. */
  get behind(): boolean {
    return this.#position < this.#length || this.#next < this.#flushes.length;
  }

  /** Append PCM, which is kept and must not change, and then a flush. Call it only if everything was taken. */
  async add({ pcm, flush, place }: Piece): Promise<void> {
    if (!this.complete) return;
    if (pcm.length > 0 && (place.position !== undefined || place.channel !== this.#channel)) {
      this.#places.push({ ...place, offset: this.#length });
      this.#nextPlace = this.#places.length;
      this.#channel = place.channel;
    }
    const flushes = this.#flushes.length + (flush ? 1 : 0);
    const marks = FLUSH_BYTES * flushes + PLACE_BYTES * this.#places.length;
    if (this.#length + pcm.length + marks > this.#limit) return this.close();
    this.#buffer.push(pcm);
    this.#bufferBytes += pcm.length;
    this.#length += pcm.length;
    this.#position = this.#length;
    if (flush) this.#flushes.push(this.#length);
    this.#next = flushes;
    if (this.#bufferBytes < (this.#file === undefined ? MEMORY_BYTES : WRITE_BYTES)) return;
    try {
      await this.#writeBuffer();
    } catch {
      await this.close(); // the stream itself does not need the disk
    }
  }

  async #writeBuffer(): Promise<void> {
    this.#file ??= await this.#create();
    const data = Buffer.concat(this.#buffer);
    let position = this.#length - data.length;
    for (let done = 0; done < data.length;) {
      const { bytesWritten } = await this.#file.write(data, done, data.length - done, position);
      done += bytesWritten;
      position += bytesWritten;
    }
    this.#buffer = [];
    this.#bufferBytes = 0;
  }

  async #create(): Promise<FileHandle> {
    this.#path = join(tmpdir(), `audiowriter-${randomUUID()}.pcm`);
    const file = await open(this.#path, "wx+", 0o600);
    await unlink(this.#path).catch(() => undefined); // Windows cannot remove an open file: close() tries again
    return file;
  }

  /** Make everything ready to be taken once more. */
  rewind(): void {
    this.#position = this.#next = this.#nextPlace = this.#channel = 0;
  }

  /** Return at most `most` bytes of PCM of one place, up to the next flush. Rejects with the error of the disk. */
  async take(most: number): Promise<Piece> {
    let end = Math.min(this.#position + most, this.#length);
    const next = this.#flushes[this.#next];
    if (next === this.#position) {
      this.#next++;
      return { pcm: new Uint8Array(), flush: true, place: NOWHERE };
    }
    let place: Place = { position: undefined, channel: this.#channel };
    if (this.#places[this.#nextPlace]?.offset === this.#position) {
      place = this.#places[this.#nextPlace++]!;
      this.#channel = place.channel;
    }
    end = Math.min(end, this.#places[this.#nextPlace]?.offset ?? end);
    const flush = next !== undefined && next <= end;
    if (flush) {
      end = next;
      this.#next++;
    }
    const start = this.#position;
    this.#position = end;
    return { pcm: await this.#read(start, end), flush, place };
  }

  async #read(start: number, end: number): Promise<Uint8Array> {
    if (this.#file === undefined) {
      // One block, so that it is not joined for each message.
      if (this.#buffer.length > 1) this.#buffer = [Buffer.concat(this.#buffer)];
      return (this.#buffer[0] ?? new Uint8Array()).subarray(start, end);
    }
    if (this.#bufferBytes > 0) await this.#writeBuffer();
    const pcm = new Uint8Array(end - start);
    for (let done = 0; done < pcm.length;) {
      const { bytesRead } = await this.#file.read(pcm, done, pcm.length - done, start + done);
      if (bytesRead === 0) throw new Error("the temporary file of the stream is shorter than what was written to it");
      done += bytesRead;
    }
    return pcm;
  }

  /** Forget everything. */
  async close(): Promise<void> {
    this.complete = false;
    this.#length = this.#position = this.#next = this.#bufferBytes = 0;
    this.#flushes = [];
    this.#places = [];
    this.#nextPlace = 0;
    this.#buffer = [];
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return;
    await file.close().catch(() => undefined);
    await unlink(this.#path).catch(() => undefined);
  }
}
