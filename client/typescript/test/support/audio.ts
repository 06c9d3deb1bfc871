import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { streamConfig, type FormatName, type StreamConfig } from "../../src/index.js";

/** A config for 16-bit mono PCM at 24 kHz. */
export function mono24k(format: FormatName): StreamConfig {
  return streamConfig({ format, sampleRateHz: 24_000 });
}

/** A sine of 440 Hz in the format of mono24k. */
export function tone(samples: number): Int16Array {
  return Int16Array.from({ length: samples }, (_, i) => 16_384 * Math.sin((2 * Math.PI * 440 * i) / 24_000));
}

/** The bytes of an array. */
export function bytes(array: ArrayBufferView): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}

/** Return the path of a new folder that is removed after the test. */
export function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "audiowriter-test-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}
