import { createHash } from "node:crypto";
import { crc32c, crcWithHeader } from "./crc32c.js";
import { TruncatedStream } from "./errors.js";
import { ResumePoint, type EncodedChunk, type StreamFinished, type Totals } from "./gen/audiowriter/v1/audio_writer.js";

/** Length and checksums of the bytes of one file, received in one call or in several, to verify that none is missing or wrong. */
export class ReceivedBytes {
  length = 0;

  #sha256 = createHash("sha256");
  #crc = 0;
  #first: Uint8Array = new Uint8Array(); // the final header replaces bytes of the first chunk only
  #outputSamples = 0; // of the last chunk
  #resumedAt = 0;
  #resumedSha256 = createHash("sha256"); // of the bytes from there on

  /** Count a chunk, and return its bytes. Throws TruncatedStream if it is not the next one. */
  addChunk({ data, offset, outputSamples }: EncodedChunk): Uint8Array {
    if (offset !== this.length) {
      throw new TruncatedStream(`received a chunk at offset ${String(offset)}, expected ${String(this.length)}`);
    }
    this.#outputSamples = outputSamples;
    return this.add(data);
  }

  /** Count the next bytes, and return them. */
  add(data: Uint8Array): Uint8Array {
    if (this.length === 0) this.#first = data;
    this.length += data.length;
    this.#sha256.update(data);
    if (this.#resumedAt > 0) this.#resumedSha256.update(data);
    this.#crc = crc32c(data, this.#crc);
    return data;
  }

  /** Return what another call has to go on with. `serial`: that of the stream. */
  resume(serial: number): ResumePoint {
    if (this.length === 0) return ResumePoint.create();
    this.#resumedAt = this.length;
    this.#resumedSha256 = createHash("sha256");
    return ResumePoint.create({
      offset: this.length,
      sha256: this.#sha256.copy().digest(),
      serial,
      outputSamples: this.#outputSamples,
      crc32c: this.#crc,
      firstCrc32c: crc32c(this.#first),
    });
  }

  /**
   * Throw TruncatedStream if the file is incomplete or wrong.
   *
   * The totals of a server that has gone on with other packets than those of an earlier call lack the hash of these. It is
   * added.
   */
  check({ header, totals }: StreamFinished): void {
    if (header.length > this.#first.length) {
      const lengths = `${String(header.length)} bytes, but the first chunk has ${String(this.#first.length)}`;
      throw new TruncatedStream(`the header has ${lengths}`);
    }
    const all = this.#sha256.digest();
    const at = totals?.sentSha256Offset ?? 0;
    const sent = at > 0 && at === this.#resumedAt ? this.#resumedSha256.digest() : all;
    checkFile(totals, this.length, sent, crcWithHeader(this.#crc, this.length, this.#first, header));
    totals.sentSha256 = all;
    totals.sentSha256Offset = 0;
  }
}

/** Throw TruncatedStream if the received bytes do not match `totals`. `crc` is that of the file with its header in place. */
export function checkFile(
  totals: Totals | undefined,
  length: number,
  sha256: Buffer,
  crc: number,
): asserts totals is Totals {
  if (totals?.fileBytes !== length) {
    throw new TruncatedStream(`received ${String(length)} bytes, expected ${String(totals?.fileBytes)}`);
  }
  if (!sha256.equals(totals.sentSha256)) {
    throw new TruncatedStream("the SHA-256 of the received bytes does not match");
  }
  if (crc !== totals.fileCrc32c) throw new TruncatedStream("the CRC-32C of the file does not match");
}
