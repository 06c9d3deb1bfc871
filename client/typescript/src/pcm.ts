import { endianness } from "node:os";
import { quoted, typeName } from "./errors.js";
import { SampleFormat, type PcmInput } from "./gen/audiowriter/v1/audio_writer.js";
import { seconds } from "./seconds.js";
import type { Place } from "./spool.js";

/**
 * Interleaved samples: little-endian bytes, cut anywhere, or a typed array of the config's sample format. Samples of 24 bits
 * are the low bits of an Int32Array.
 */
export type Pcm = Uint8Array | Int16Array | Int32Array | Float32Array | Float64Array;

interface Layout {
  /** Bytes of one sample as they are sent. */
  bytes: number;
  array: string;
}

const LAYOUTS: Partial<Record<number, Layout>> = {
  [SampleFormat.S16LE]: { bytes: 2, array: "Int16Array" },
  [SampleFormat.S24LE]: { bytes: 3, array: "Int32Array" },
  [SampleFormat.S32LE]: { bytes: 4, array: "Int32Array" },
  [SampleFormat.F32LE]: { bytes: 4, array: "Float32Array" },
  [SampleFormat.F64LE]: { bytes: 8, array: "Float64Array" },
  [SampleFormat.U8]: { bytes: 1, array: "Uint8Array" },
  [SampleFormat.MULAW]: { bytes: 1, array: "Uint8Array" },
  [SampleFormat.ALAW]: { bytes: 1, array: "Uint8Array" },
};

const BITS_24 = 2 ** 23;

/** Sample format and number of channels of a stream's PCM. */
export class PcmLayout {
  /** Bytes per frame, which is one sample of every channel. One per channel if the sample format is not known. */
  readonly frameBytes: number;

  /** Bytes per sample of one channel. */
  readonly sampleBytes: number;

  readonly #format: number;
  readonly #channels: number;
  readonly #takesPlaces: boolean;

  constructor(input: PcmInput | undefined) {
    this.#format = input?.sampleFormat || SampleFormat.S16LE;
    this.#channels = input?.channels || 1;
    this.sampleBytes = LAYOUTS[this.#format]?.bytes ?? 1;
    this.frameBytes = this.sampleBytes * this.#channels;
    const options = [input?.maxGap, input?.maxSkew, input?.maxJitter];
    this.#takesPlaces = options.some((option) => seconds(option) > 0);
  }

  /** Throw RangeError for a position or a channel that this stream cannot have. */
  checkPlace({ position, channel }: Place): void {
    if (position === undefined && channel === 0) return;
    if (position !== undefined && !(Number.isSafeInteger(position) && position >= 0)) {
      throw new RangeError(`position=${quoted(position)}: expected a number of samples, 0 or more`);
    }
    if (!(Number.isInteger(channel) && channel >= 0 && channel <= this.#channels)) {
      const expected = `1 to ${String(this.#channels)}, or 0 for all channels, interleaved`;
      throw new RangeError(`channel=${quoted(channel)}: expected ${expected}`);
    }
    if (!this.#takesPlaces)
      throw new RangeError("position, channel: the config needs maxGapMs, maxSkewMs or maxJitterMs");
  }

  /**
   * Return `pcm` as bytes, copied only for samples of 24 bits.
   *
   * Throws TypeError for a value of another type or for an array that does not match the sample format, and RangeError for
   * samples beyond 24 bits. Bytes are not checked: a message may end inside a sample.
   */
  toBytes(pcm: Pcm): Uint8Array {
    if (pcm instanceof Uint8Array) return pcm;
    const array = typeName(pcm);
    if (!ArrayBuffer.isView(pcm)) throw new TypeError(`pcm: expected bytes or a typed array, not ${array}`);
    const expected = LAYOUTS[this.#format]?.array ?? "Uint8Array";
    if (array !== expected) throw new TypeError(`pcm is ${array}: the config's sample format requires ${expected}`);
    if (endianness() === "BE") throw new TypeError(`pcm is ${array}: this machine is big-endian, pass bytes`);
    if (this.#format === SampleFormat.S24LE) return packed(pcm as Int32Array);
    return new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength);
  }
}

function packed(samples: Int32Array): Uint8Array {
  const bytes = new Uint8Array(3 * samples.length);
  let position = 0;
  for (const sample of samples) {
    if (sample < -BITS_24 || sample >= BITS_24)
      throw new RangeError(`pcm has the sample ${String(sample)}, beyond 24 bits`);
    bytes[position++] = sample;
    bytes[position++] = sample >> 8;
    bytes[position++] = sample >> 16;
  }
  return bytes;
}
