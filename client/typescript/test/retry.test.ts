import assert from "node:assert/strict";
import { Metadata, status } from "@grpc/grpc-js";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import {
  AudioWriterClient,
  CallFailed,
  LimitExceeded,
  ServiceUnavailable,
  TruncatedStream,
  type StreamOptions,
} from "../src/index.js";
import { folder, mono24k } from "./support/audio.js";
import { refused, Scripted, type ScriptedCall } from "./support/service.js";

const PCM = Buffer.from("pcm!");

type Script = (call: ScriptedCall) => Promise<void> | void;

async function serve(
  t: TestContext,
  script: Script,
  unary?: () => { code: status; details: string; metadata: Metadata },
): Promise<Scripted & { client: AudioWriterClient }> {
  const service = await Scripted.serve(async (call) => script(call), unary);
  const client = new AudioWriterClient(service.target);
  t.after(() => {
    client.close();
    service.stop();
  });
  return Object.assign(service, { client });
}

/** Encode PCM into a listener, and return what it got. */
async function listen(client: AudioWriterClient, options: StreamOptions = {}): Promise<string> {
  let got = "";
  await client.encodeStream(mono24k("mp3"), (data) => (got += Buffer.from(data).toString()), [PCM], options);
  return got;
}

test("a refused stream is sent again with its config, and PCM only after a server has accepted it", async (t) => {
  const service = await serve(t, async (call) => {
    const first = await call.next();
    assert.equal(first?.config?.input?.sampleRateHz, 24_000);
    assert.deepEqual([first.pcm.length, first.resume], [0, undefined]);
    if (call.number < 3) {
      const { code, details, metadata } = refused(status.UNAVAILABLE, "full", { retryMs: 1000 });
      call.fail(code, details, metadata);
      return;
    }
    call.start();
    assert.deepEqual(await call.pcm(), PCM);
    call.chunk("file", 0);
    call.finish("file");
  });
  assert.equal(await listen(service.client), "file");
  assert.equal(service.calls, 3);
});

test("after ten attempts the last refusal is thrown, with all its details", async (t) => {
  const { code, details, metadata } = refused(status.UNAVAILABLE, "full", {
    reason: "MAX_STREAMS_EXCEEDED",
    retryMs: 1500,
  });
  const service = await serve(
    t,
    (call) => call.fail(code, details, metadata),
    () => ({ code, details, metadata }),
  );
  const here = folder(t);
  for (const call of [
    () => service.client.openStream(mono24k("mp3"), join(here, "file")),
    () => service.client.encode(mono24k("mp3"), PCM),
  ]) {
    service.calls = 0;
    await assert.rejects(call(), (error) => {
      assert.ok(error instanceof ServiceUnavailable);
      assert.deepEqual([error.code, error.codeName, error.details], [14, "UNAVAILABLE", "full"]);
      assert.deepEqual(
        [error.reason, error.metadata, error.retryAfterMs],
        ["MAX_STREAMS_EXCEEDED", { limit: "1" }, 1500],
      );
      assert.equal(error.message, "UNAVAILABLE (MAX_STREAMS_EXCEEDED): full");
      return true;
    });
    assert.equal(service.calls, 10);
  }
  assert.deepEqual(readdirSync(here), []);
});

test("a unary call whose connection broke is not repeated, and one that was too late is", async (t) => {
  let text = "Connection dropped";
  const service = await serve(
    t,
    () => undefined,
    () => ({
      code: text === "CANCELLED" ? status.CANCELLED : status.UNAVAILABLE,
      details: text,
      metadata: new Metadata(),
    }),
  );
  await assert.rejects(service.client.listFormats(), ServiceUnavailable);
  assert.equal(service.calls, 1);
  text = "CANCELLED";
  service.calls = 0;
  await assert.rejects(service.client.listFormats({ timeoutMs: 400 }), CallFailed);
  assert.notEqual(service.calls, 1);
});

test("a timeout includes the delays between the attempts", async (t) => {
  const service = await serve(t, (call) => {
    const { code, details, metadata } = refused(status.UNAVAILABLE, "full", { retryMs: 1 });
    call.fail(code, details, metadata);
  });
  const begin = performance.now();
  await assert.rejects(listen(service.client, { timeoutMs: 300 }), CallFailed);
  assert.ok(performance.now() - begin < 1000);
  assert.ok(service.calls < 6);
});

test("an error that every server would return is thrown at once", async (t) => {
  const service = await serve(t, (call) => {
    const { code, details, metadata } = refused(status.RESOURCE_EXHAUSTED, "too long", { reason: "MAX" });
    call.fail(code, details, metadata);
  });
  await assert.rejects(listen(service.client), LimitExceeded);
  assert.equal(service.calls, 1);
});

test("damaged details do not hide the status", async (t) => {
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from("ff", "hex"));
  const service = await serve(t, (call) => call.fail(status.PERMISSION_DENIED, "no", metadata));
  await assert.rejects(listen(service.client), { code: status.PERMISSION_DENIED, reason: "", violations: [] });
});

for (const [name, script, expected] of [
  ["ends without finished", (call) => void call.call.end(), /without `finished`/],
  ["finishes before the end of the PCM", (call) => call.finish(""), /finished before the end of the PCM/],
  [
    "leaves out bytes",
    async (call) => {
      call.chunk("late", 4);
      await call.pcm();
    },
    /received a chunk at offset 4, expected 0/,
  ],
  [
    "sends a wrong length",
    async (call) => {
      await call.pcm();
      call.chunk("file", 0);
      call.finish("file", "", { fileBytes: 5 });
    },
    /received 4 bytes, expected 5/,
  ],
  [
    "sends a wrong hash",
    async (call) => {
      await call.pcm();
      call.chunk("file", 0);
      call.finish("file", "", { sentSha256: Buffer.alloc(32) });
    },
    /SHA-256/,
  ],
  [
    "sends a wrong CRC",
    async (call) => {
      await call.pcm();
      call.chunk("file", 0);
      call.finish("file", "head", { fileCrc32c: 1 });
    },
    /CRC-32C/,
  ],
  [
    "sends a header that is longer than the first chunk",
    async (call) => {
      await call.pcm();
      call.chunk("file", 0);
      call.finish("file", "header");
    },
    /the header has 6 bytes, but the first chunk has 4/,
  ],
] as const satisfies [string, Script, RegExp][]) {
  test(`a server that ${name} truncates the stream, and no file is left`, async (t) => {
    const service = await serve(t, async (call) => {
      await call.next();
      call.start();
      await script(call);
    });
    const here = folder(t);
    await assert.rejects(
      async () => {
        const writer = await service.client.openStream(mono24k("mp3"), join(here, "file"));
        if (name !== "finishes before the end of the PCM") return writer.close();
        return writer.flush();
      },
      (error) => error instanceof TruncatedStream && expected.test(error.message),
    );
    assert.deepEqual(readdirSync(here), []);
    assert.equal(service.calls, 1);
  });
}

test("events and fields that this client does not know are ignored", async (t) => {
  const service = await serve(t, async (call) => {
    await call.next();
    call.start();
    call.send(undefined);
    await call.pcm();
    call.chunk("file", 0);
    call.finish("file", "head");
  });
  assert.equal(await listen(service.client), "file");
});
