import assert from "node:assert/strict";
import { test } from "node:test";
import { SampleFormat, type Pcm } from "../src/index.js";
import { PcmLayout } from "../src/pcm.js";

const layout = (sampleFormat: number, channels = 1): PcmLayout =>
  new PcmLayout({
    sampleFormat: sampleFormat as SampleFormat,
    channels,
    sampleRateHz: 24_000,
    maxGap: undefined,
    maxSkew: undefined,
    maxJitter: undefined,
  });

test("an array of the sample format becomes little-endian bytes without a copy", () => {
  const samples = Float32Array.of(0, 1, -1).subarray(1);
  const bytes = layout(SampleFormat.F32LE).toBytes(samples);
  assert.deepEqual(Buffer.from(bytes).toString("hex"), "0000803f000080bf");
  assert.equal(bytes.buffer, samples.buffer);
});

test("samples of 24 bits are the low bits of an Int32Array", () => {
  const bytes = layout(SampleFormat.S24LE).toBytes(Int32Array.of(1, -1, 8_388_607, -8_388_608));
  assert.equal(Buffer.from(bytes).toString("hex"), "010000ffffffffff7f000080");
  assert.throws(() => layout(SampleFormat.S24LE).toBytes(Int32Array.of(8_388_608)), /8388608, beyond 24 bits/);
});

test("bytes are accepted for every sample format, also for one that this client does not know", () => {
  for (const format of [SampleFormat.UNSPECIFIED, SampleFormat.F64LE, 99]) {
    assert.equal(layout(format).toBytes(Buffer.from("abc")).length, 3);
  }
});

test("an array of another type is refused", () => {
  assert.throws(() => layout(0).toBytes(Float32Array.of(1)), /pcm is Float32Array.* requires Int16Array/);
  assert.throws(() => layout(99).toBytes(Int16Array.of(1)), /requires Uint8Array/);
  assert.throws(() => layout(0).toBytes("abc" as unknown as Pcm), /expected bytes or a typed array, not string/);
  assert.throws(() => layout(0).toBytes(null as unknown as Pcm), /not null/);
});

test("a frame is one sample of every channel", () => {
  assert.deepEqual(
    [layout(0, 0).frameBytes, layout(SampleFormat.S24LE, 2).frameBytes, layout(99, 3).frameBytes],
    [2, 6, 3],
  );
});
