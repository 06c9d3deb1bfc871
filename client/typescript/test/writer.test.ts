import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { test } from "node:test";
import {
  AudioWriterClient,
  DeadlineExceeded,
  InvalidArgument,
  StreamCancelled,
  seconds,
  streamConfig,
  type StreamConfigInit,
} from "../src/index.js";
import { bytes, folder, mono24k, tone } from "./support/audio.js";
import { clientOfServer } from "./support/server.js";

const client = await clientOfServer();
const SECOND = tone(24_000);

function frames(pcm: Int16Array, samples = 480): Int16Array[] {
  return Array.from({ length: pcm.length / samples }, (_, i) => pcm.subarray(i * samples, (i + 1) * samples));
}

test("a file is complete when the stream is closed, however its PCM was cut", async (t) => {
  const here = folder(t);
  for (const format of ["wav", "mp3", "flac"] as const) {
    const path = join(here, format);
    const totals = await client.encodeStream(mono24k(format), path, frames(SECOND));
    assert.deepEqual([totals.inputSamples, seconds(totals.duration)], [24_000, 1]);
    const file = readFileSync(path);
    assert.equal(file.length, totals.fileBytes);
    assert.deepEqual(file, Buffer.from(await client.encode(mono24k(format), SECOND)));
  }
  const wav = readFileSync(join(here, "wav"));
  assert.equal(wav.readUInt32LE(4), wav.length - 8); // the header is in place
});

test("a listener gets every byte before the stream is closed, without the final header", async () => {
  const got: Uint8Array[] = [];
  const writer = await client.openStream(mono24k("wav"), (data) => got.push(data));
  assert.equal(writer.started.mimeType, "audio/wav");
  for (const frame of frames(SECOND)) await writer.write(frame);
  const flushed = await writer.flush();
  assert.deepEqual([flushed.inputSamples, flushed.heldSamples], [24_000, 0]);
  assert.equal(Buffer.concat(got).length, flushed.offset);
  assert.equal(writer.bytesReceived, flushed.offset);
  assert.throws(() => writer.result, /no result before close/);
  await writer.close();
  assert.ok(writer.header.length >= 44);
  const complete = Buffer.concat([writer.header, Buffer.concat(got).subarray(writer.header.length)]);
  assert.deepEqual(complete, Buffer.from(await client.encode(mono24k("wav"), SECOND)));
});

test("pipeline resolves when the file is complete", async (t) => {
  const path = join(folder(t), "file.flac");
  const writer = await client.openStream(mono24k("flac"), path);
  await pipeline(Readable.from(frames(SECOND).map(bytes)), writer.createWriteStream());
  assert.equal(writer.result.inputSamples, 24_000);
  assert.equal(statSync(path).size, writer.result.fileBytes);
});

test("pipeline leaves no file if its source fails", async (t) => {
  const here = folder(t);
  const writer = await client.openStream(mono24k("flac"), join(here, "file.flac"));
  const source = Readable.from(
    (function* () {
      yield bytes(SECOND);
      throw new Error("the microphone is gone");
    })(),
  );
  await assert.rejects(pipeline(source, writer.createWriteStream()), /the microphone is gone/);
  await assert.rejects(writer.close(), StreamCancelled);
  assert.deepEqual(readdirSync(here), []);
});

test("writes that are not awaited keep their order", async () => {
  const pcm = tone(240_000);
  const got: Uint8Array[] = [];
  const writer = await client.openStream(mono24k("pcm"), (data) => got.push(data));
  await Promise.all([...frames(pcm, 4800).map((frame) => writer.write(frame)), writer.close()]);
  assert.ok(Buffer.concat(got).equals(bytes(pcm)));
});

test("tags and markers may come while the stream runs, if the config has reserved room", async (t) => {
  const path = join(folder(t), "file.mp3");
  const config = streamConfig({ format: "mp3", sampleRateHz: 24_000, metadataBytes: 4096 });
  const writer = await client.openStream(config, path);
  await writer.write(SECOND);
  writer.describe({ title: "late", artist: ["a", "b"] });
  writer.describe({}, [
    { position: 12_000, title: "<b>" },
    { position: 2400, length: 480, title: "a" },
  ]);
  await writer.close();
  assert.equal(
    writer.markersWebVtt(),
    "WEBVTT\n\n00:00:00.100 --> 00:00:00.120\na\n\n00:00:00.500 --> 00:00:01.000\n&lt;b&gt;\n",
  );
  assert.ok(readFileSync(path).includes("late"));
  assert.throws(() => writer.describe({ title: "too late" }), /the writer is closed/);
  const without = await client.openStream(mono24k("mp3"), path);
  assert.throws(() => without.describe({ title: 5 } as never), TypeError);
  without.describe({ title: "late" });
  await assert.rejects(without.close(), InvalidArgument);
});

test("PCM is placed by its position and channel", async () => {
  const config = streamConfig({ format: "pcm", sampleRateHz: 24_000, channels: 2, maxGapMs: 1000 });
  const got: Uint8Array[] = [];
  const writer = await client.openStream(config, (data) => got.push(data));
  await writer.write(Int16Array.of(1, 2), { channel: 1 });
  await writer.write(Int16Array.of(3), { position: 1, channel: 2 });
  await assert.rejects(writer.write(Int16Array.of(1), { channel: 3 }), /channel=3: expected 1 to 2/);
  await assert.rejects(writer.write(Int16Array.of(1), { position: -1 }), /position=-1/);
  const totals = await writer.close();
  assert.deepEqual(Buffer.concat(got), bytes(Int16Array.of(1, 0, 2, 3)));
  assert.equal(totals.inputSamples, 2);
  const without = await client.openStream(mono24k("pcm"), () => undefined);
  await assert.rejects(without.write(Int16Array.of(1), { position: 0 }), /the config needs maxGapMs/);
  await without.cancel();
});

test("an invalid config is refused with each invalid field, and leaves no file", async (t) => {
  const here = folder(t);
  const bad: StreamConfigInit = { input: { sampleRateHz: 24_000, channels: 99 }, output: {} };
  for (const call of [
    () => client.openStream(bad, join(here, "file")),
    () => client.encode(bad, SECOND),
    () => client.resolveConfig(bad),
  ]) {
    await assert.rejects(call(), (error) => {
      assert.ok(error instanceof InvalidArgument);
      assert.deepEqual(error.violations.map(({ field }) => field).sort(), [
        "config.input.channels",
        "config.output.format",
      ]);
      assert.match(error.message, /^INVALID_ARGUMENT.*: config\.\S+: .*; config\./);
      return true;
    });
  }
  assert.deepEqual(readdirSync(here), []);
});

test("an error during the stream reaches every method", async () => {
  const config = streamConfig({ format: "wav", sampleRateHz: 24_000, sampleFormat: "f32le" });
  const writer = await client.openStream(config, () => undefined);
  await writer.write(Float32Array.of(0, NaN));
  for (const method of [() => writer.close(), () => writer.write(Float32Array.of(0)), () => writer.flush()]) {
    await assert.rejects(method, (error) => {
      return error instanceof InvalidArgument && error.violations[0]?.field === "pcm";
    });
  }
  assert.throws(() => writer.result, InvalidArgument);
});

test("an error of the sink ends the stream, and is thrown as it is", async () => {
  const failure = new Error("the disk is full");
  const writer = await client.openStream(mono24k("wav"), () => {
    throw failure;
  });
  await assert.rejects(writer.flush(), failure);
  await assert.rejects(writer.close(), failure);
});

test("an error of another call in the sink is not taken for one of this stream", async () => {
  const nobody = new AudioWriterClient("127.0.0.1:1");
  const writer = await client.openStream(mono24k("wav"), async () => {
    await nobody.encodeStream(mono24k("wav"), () => undefined, [], { timeoutMs: 100 });
  });
  await assert.rejects(writer.close(), { name: "ServiceUnavailable", notResumed: "" });
  nobody.close();
});

test("encodeStream closes its iterable and leaves no file if the stream fails while a block is awaited", async (t) => {
  const here = folder(t);
  let closed = false;
  let isWaiting = false;
  const pcm = {
    [Symbol.asyncIterator]: () => ({
      next: async (): Promise<IteratorResult<Uint8Array>> => {
        if (isWaiting) await new Promise(() => undefined);
        isWaiting = true;
        return { done: false, value: Buffer.from("0000c07f", "hex") };
      },
      return: () => {
        closed = true;
        return Promise.resolve({ done: true as const, value: undefined });
      },
    }),
  };
  const config = streamConfig({ format: "wav", sampleRateHz: 24_000, sampleFormat: "f32le" });
  await assert.rejects(client.encodeStream(config, join(here, "file"), pcm, { bufferMs: 0 }), InvalidArgument);
  assert.equal(closed, true);
  assert.deepEqual(readdirSync(here), []);
});

test("an array that does not match the config is refused, and the stream goes on", async () => {
  const writer = await client.openStream(mono24k("wav"), () => undefined);
  await assert.rejects(writer.write(Float32Array.of(0)), /requires Int16Array/);
  await writer.write(SECOND);
  assert.equal((await writer.close()).inputSamples, 24_000);
  await assert.rejects(writer.write(SECOND), /the writer is closed/);
  assert.equal((await writer.close()).inputSamples, 24_000);
});

test("PCM for a file is gathered, and PCM for a listener is not", async (t) => {
  const path = join(folder(t), "file");
  for (const [sink, bufferMs, isGathered] of [
    [path, undefined, true],
    [path, 0, false],
    [() => undefined, undefined, false],
    [() => undefined, 500, true],
  ] as const) {
    const writer = await client.openStream(mono24k("pcm"), sink, bufferMs === undefined ? {} : { bufferMs });
    for (const frame of frames(SECOND.subarray(0, 4800))) await writer.write(frame);
    for (let wait = 0; wait < 200 && writer.bytesReceived < 9600 && !isGathered; wait++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    if (isGathered) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(writer.bytesReceived, isGathered ? 0 : 9600);
    await writer.close();
    assert.equal(writer.bytesReceived, 9600);
  }
});

test("cancel leaves no file, and every method reports it", async (t) => {
  const here = folder(t);
  const writer = await client.openStream(mono24k("mp3"), join(here, "file"));
  await writer.write(SECOND);
  await writer.cancel();
  await writer.cancel();
  assert.deepEqual(readdirSync(here), []);
  await assert.rejects(writer.write(SECOND), StreamCancelled);
  await assert.rejects(writer.close(), StreamCancelled);
});

test("await using cancels a stream that was not closed, and keeps a file that was", async (t) => {
  const here = folder(t);
  await assert.rejects(async () => {
    await using writer = await client.openStream(mono24k("mp3"), join(here, "left"));
    await writer.write(SECOND);
    throw new Error("left");
  }, /left/);
  {
    await using writer = await client.openStream(mono24k("mp3"), join(here, "closed"));
    await writer.close();
  }
  assert.deepEqual(readdirSync(here), ["closed"]);
});

test("a signal cancels streams and unary calls, with its reason as the cause", async (t) => {
  const here = folder(t);
  const abort = new AbortController();
  const options = { signal: abort.signal };
  const writer = await client.openStream(mono24k("mp3"), join(here, "file"), options);
  const reason = new Error("the listener has left");
  abort.abort(reason);
  const isExpected = (error: unknown): boolean => error instanceof StreamCancelled && error.cause === reason;
  await assert.rejects(writer.close(), isExpected);
  await assert.rejects(client.openStream(mono24k("mp3"), join(here, "file"), options), isExpected);
  await assert.rejects(client.listFormats(options), isExpected);
  assert.deepEqual(readdirSync(here), []);
});

test("a timeout discards the file", async (t) => {
  const here = folder(t);
  const writer = await client.openStream(mono24k("mp3"), join(here, "file"), { timeoutMs: 300 });
  await assert.rejects(async () => {
    for (;;) {
      await writer.write(SECOND.subarray(0, 480));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }, DeadlineExceeded);
  assert.deepEqual(readdirSync(here), []);
  await assert.rejects(client.openStream(mono24k("mp3"), join(here, "file"), { timeoutMs: 0 }), /timeoutMs=0/);
});

test("a path that cannot be written is reported before the call", async (t) => {
  const path = join(folder(t), "missing", "file");
  await assert.rejects(client.openStream(mono24k("mp3"), path), { code: "ENOENT", path });
});
