import assert from "node:assert/strict";
import { createServer, get, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { InvalidArgument, StreamCancelled, streamConfig, type Pcm } from "../src/index.js";
import { mono24k, tone } from "./support/audio.js";
import { clientOfServer } from "./support/server.js";

const client = await clientOfServer();
const FRAME = tone(480);

function* frames(count: number): Generator<Pcm> {
  for (let i = 0; i < count; i++) yield FRAME;
}

/** Frames without an end, and how many were taken. */
function endless(): { pcm: AsyncGenerator<Pcm>; taken: () => number; isClosed: () => boolean } {
  let taken = 0;
  let closed = false;
  const pcm = (async function* () {
    try {
      for (; ; taken++) {
        yield FRAME;
        if (taken % 100 === 0) await sleep(1);
      }
    } finally {
      closed = true;
    }
  })();
  return { pcm, taken: () => taken, isClosed: () => closed };
}

/** Start an HTTP server that ends after the test, and return its URL. */
async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const web = createServer(listener);
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  t.after(() => web.close());
  return `http://127.0.0.1:${String((web.address() as AddressInfo).port)}`;
}

async function until(happened: () => boolean): Promise<void> {
  for (let wait = 0; !happened(); wait++) {
    assert.ok(wait < 1000, "it did not happen within 10 s");
    await sleep(10);
  }
}

test("the bytes with the header in place are the file", async () => {
  const file = client.encodeIter(mono24k("wav"), frames(50));
  assert.equal((await file.started).mimeType, "audio/wav");
  assert.throws(() => file.result, /no result before/);
  const got: Uint8Array[] = [];
  for await (const data of file) {
    assert.ok(data.length > 0);
    got.push(data);
  }
  const sent = Buffer.concat(got);
  assert.equal(file.result.fileBytes, sent.length);
  const complete = Buffer.concat([file.header, sent.subarray(file.header.length)]);
  const pcm = Int16Array.from({ length: 24_000 }, (_, i) => FRAME[i % 480]!);
  assert.deepEqual(complete, Buffer.from(await client.encode(mono24k("wav"), pcm)));
  assert.deepEqual(await file.next(), { done: true, value: undefined });
});

test("the first bytes come before the PCM has ended, and leaving the loop cancels the call and closes the PCM", async () => {
  const { pcm, isClosed } = endless();
  const file = client.encodeIter(mono24k("mp3"), pcm);
  for await (const data of file) {
    assert.ok(data.length > 0);
    break;
  }
  await until(isClosed);
  assert.throws(() => file.result, StreamCancelled);
  assert.equal((await file.next()).done, true);
});

test("a slow consumer slows the PCM down", async () => {
  const { pcm, taken } = endless();
  const file = client.encodeIter(mono24k("pcm"), pcm);
  await file.next();
  let before = -1;
  let stands = 0;
  await until(() => {
    stands = taken() === before ? stands + 1 : 0;
    before = taken();
    return stands === 30;
  });
  assert.ok(before * 960 < 16e6, `${String(before * 960)} bytes were taken ahead`);
  await file.return();
});

test("an error of the PCM is thrown as it is, after the bytes before it", async () => {
  const failure = new Error("the synthesiser is gone");
  const file = client.encodeIter(
    mono24k("wav"),
    (function* () {
      yield FRAME;
      throw failure;
    })(),
  );
  await assert.rejects(async () => {
    for await (const data of file) assert.ok(data.length > 0);
  }, failure);
});

test("a refused config is thrown by the iterator and by started", async () => {
  const config = streamConfig({ format: "mp3", sampleRateHz: 24_000, bitrateBps: 1 });
  const { pcm, isClosed } = endless();
  await pcm.next();
  const file = client.encodeIter(config, pcm);
  await assert.rejects(file.started, InvalidArgument);
  await assert.rejects(file.next(), InvalidArgument);
  await until(isClosed);
});

test("a listener over HTTP gets the stream, and cancels the call by leaving", async (t) => {
  let isClosed = (): boolean => false;
  const url = await serve(t, (request, response) => {
    const source = request.url === "/endless" ? endless() : { pcm: frames(50), isClosed: () => true };
    isClosed = source.isClosed;
    pipeline(Readable.from(client.encodeIter(mono24k("mp3"), source.pcm)), response).catch(() => undefined);
  });
  const body = Buffer.from(await (await fetch(url)).arrayBuffer());
  assert.ok(body.length > 4000);
  await new Promise<void>((resolve) => {
    const request = get(`${url}/endless`, (response) => {
      response.once("data", () => {
        request.destroy();
        resolve();
      });
    });
    request.on("error", () => undefined);
  });
  await until(() => isClosed());
});

test("an HTTP response is a sink, too", async (t) => {
  const url = await serve(t, (_, response) => {
    client.encodeStream(mono24k("mp3"), response, frames(50)).then(
      () => response.end(),
      (error: unknown) => response.destroy(error as Error),
    );
  });
  const response = await fetch(url);
  assert.ok((await response.arrayBuffer()).byteLength > 4000);
});
