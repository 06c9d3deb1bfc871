import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { constants, createServer as createHttp2Server } from "node:http2";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { AudioWriterClient, EncodeStreamResponse, StreamFinished, StreamStarted, Totals } from "../src/index.js";
import { folder, mono24k, tone } from "./support/audio.js";
import { Server } from "./support/server.js";

/** A proxy in front of a server. `cut` ends its connections, by a reset or in order. */
async function proxy(t: TestContext, port: number): Promise<{ target: string; cut: (reset: boolean) => void }> {
  const sockets = new Set<Socket>();
  const listener = createServer((client) => {
    const server = connect(port, "127.0.0.1");
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(from);
      from.on("error", () => undefined);
      from.on("close", () => to.destroy());
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const cut = (reset: boolean): void => {
    for (const socket of sockets) {
      if (reset) socket.resetAndDestroy();
      else socket.destroy();
    }
    sockets.clear();
  };
  t.after(() => {
    cut(false);
    listener.close();
  });
  return { target: `127.0.0.1:${String((listener.address() as AddressInfo).port)}`, cut };
}

test("streams of all kinds survive broken connections and a killed server", async (t) => {
  let server = await Server.start();
  t.after(() => server.kill());
  const { target, cut } = await proxy(t, server.port);
  const client = new AudioWriterClient(target);
  t.after(() => client.close());
  const here = folder(t);
  const pcm = tone(96_000);
  const expected = Buffer.from(await client.encode(mono24k("mp3"), pcm));
  const live: Uint8Array[] = [];
  const path = join(here, "file");
  const writers = [
    await client.openStream(mono24k("mp3"), path, { bufferMs: 0 }),
    await client.openStream(mono24k("mp3"), (data) => live.push(data)),
  ];
  for (let start = 0; start < pcm.length; start += 4800) {
    for (const writer of writers) await writer.write(pcm.subarray(start, start + 4800));
    if (start === 24_000 || start === 48_000) cut(start === 24_000);
    if (start === 72_000) {
      const { port } = server;
      await server.kill();
      server = await Server.start(port);
    }
  }
  const [, totals] = await Promise.all(writers.map((writer) => writer.close()));
  assert.deepEqual(readFileSync(path), expected);
  const header = writers[1]!.header;
  assert.deepEqual(Buffer.concat([header, Buffer.concat(live).subarray(header.length)]), expected);
  assert.equal(totals?.inputSamples, 96_000);
});

/** A service of one file that resets its first stream with a code of HTTP/2 after `started`. */
async function resetting(t: TestContext, code: number): Promise<string> {
  const message = (event: EncodeStreamResponse["event"]): Buffer => {
    const encoded = EncodeStreamResponse.encode(EncodeStreamResponse.create({ event })).finish();
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(encoded.length, 1);
    return Buffer.concat([prefix, encoded]);
  };
  const started = message({ $case: "started", value: StreamStarted.create({ serial: 7 }) });
  const totals = Totals.create({ sentSha256: createHash("sha256").digest() });
  const finished = message({ $case: "finished", value: StreamFinished.create({ totals }) });
  let streams = 0;
  const server = createHttp2Server((request, response) => {
    response.writeHead(200, { "content-type": "application/grpc" });
    response.write(started);
    if (streams++ === 0) {
      request.once("data", () => setTimeout(() => response.stream.close(code), 50));
      return;
    }
    request.resume().once("end", () => {
      response.addTrailers({ "grpc-status": "0" });
      response.end(finished);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

for (const name of ["NO_ERROR", "INTERNAL_ERROR", "CANCEL", "REFUSED_STREAM"] as const) {
  test(`a stream that a proxy resets with ${name} goes on`, async (t) => {
    const client = new AudioWriterClient(await resetting(t, constants[`NGHTTP2_${name}`]));
    t.after(() => client.close());
    const writer = await client.openStream(mono24k("pcm"), () => undefined);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal((await writer.close()).fileBytes, 0);
  });
}
