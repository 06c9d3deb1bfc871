import assert from "node:assert/strict";
import { Metadata, status } from "@grpc/grpc-js";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { crc32c } from "../src/crc32c.js";
import { AudioWriterClient, CallFailed, ServiceUnavailable, type EncodeStreamRequest } from "../src/index.js";
import { folder, mono24k } from "./support/audio.js";
import { refused, Scripted, type ScriptedCall } from "./support/service.js";

const LOST: [status, string, Metadata] = [status.UNAVAILABLE, "Connection dropped", new Metadata()];

async function serve(
  t: TestContext,
  script: (call: ScriptedCall) => Promise<void>,
): Promise<[AudioWriterClient, Scripted]> {
  const service = await Scripted.serve(script);
  const client = new AudioWriterClient(service.target);
  t.after(() => {
    client.close();
    service.stop();
  });
  return [client, service];
}

test("a listener gets the bytes that follow those that it has, and a file is written again", async (t) => {
  const resumes: EncodeStreamRequest["resume"][] = [];
  const [client] = await serve(t, async (call) => {
    const { resume } = (await call.next())!;
    call.start(call.number % 2 === 1 ? 7 : resume?.serial || 8);
    if (call.number % 2 === 1) {
      await call.pcm(4);
      call.chunk("be", 0, 1);
      call.chunk("gin", 2, 2);
      call.fail(...LOST);
      return;
    }
    resumes.push(resume);
    assert.equal((await call.pcm()).toString(), "pcm!more");
    call.chunk(resume!.offset > 0 ? "end" : "beginend", resume!.offset);
    call.finish("beginend");
  });
  const pcm = (): Uint8Array[] => [Buffer.from("pcm!"), Buffer.from("more")];
  let got = "";
  const totals = await client.encodeStream(mono24k("mp3"), (data) => (got += Buffer.from(data).toString()), pcm());
  assert.deepEqual([got, totals.fileBytes], ["beginend", 8]);
  const [resume] = resumes;
  assert.deepEqual([resume?.offset, resume?.serial], [5, 7]);
  assert.deepEqual(Buffer.from(resume!.sha256), createHash("sha256").update("begin").digest());
  assert.deepEqual([resume?.crc32c, resume?.firstCrc32c], [crc32c(Buffer.from("begin")), crc32c(Buffer.from("be"))]);

  const path = join(folder(t), "file");
  await client.encodeStream(mono24k("mp3"), path, pcm(), { bufferMs: 0 });
  assert.equal(readFileSync(path, "utf8"), "beginend");
  assert.deepEqual([resumes[1]?.offset, resumes[1]?.sha256.length], [0, 0]);
});

test("totals of a server that went on with other packets are completed with the hash of all bytes", async (t) => {
  const [client] = await serve(t, async (call) => {
    await call.next();
    call.start();
    if (call.number === 1) {
      call.chunk("begin", 0);
      call.fail(...LOST);
      return;
    }
    await call.pcm();
    call.chunk("end", 5);
    call.finish("beginend", "", { sentSha256: createHash("sha256").update("end").digest(), sentSha256Offset: 5 });
  });
  const totals = await client.encodeStream(mono24k("mp3"), () => undefined, [Buffer.from("pcm!")]);
  assert.deepEqual(Buffer.from(totals.sentSha256), createHash("sha256").update("beginend").digest());
  assert.equal(totals.sentSha256Offset, 0);
});

/** Return the PCM up to the next flush. */
async function untilFlush(call: ScriptedCall): Promise<string> {
  let pcm = "";
  for (;;) {
    const request = (await call.next())!;
    pcm += Buffer.from(request.pcm).toString();
    if (request.flush !== undefined) return pcm;
  }
}

test("flushes are sent again at their positions, and answered once", async (t) => {
  const [client] = await serve(t, async (call) => {
    await call.next();
    call.start();
    assert.equal(await untilFlush(call), "pcm!");
    call.send({ $case: "flushed", value: { offset: call.number, inputSamples: 2, heldSamples: 0 } });
    if (call.number === 1) {
      call.fail(...LOST);
      return;
    }
    assert.equal(await untilFlush(call), "more");
    call.send({ $case: "flushed", value: { offset: 10, inputSamples: 4, heldSamples: 0 } });
    await call.pcm();
    call.finish("");
  });
  const writer = await client.openStream(mono24k("mp3"), () => undefined);
  await writer.write(Buffer.from("pcm!"));
  assert.equal((await writer.flush()).offset, 1);
  await writer.write(Buffer.from("more"));
  assert.equal((await writer.flush()).offset, 10);
  await writer.close();
});

test("tags are sent again in each call", async (t) => {
  const [client] = await serve(t, async (call) => {
    await call.next();
    call.start();
    const request = await call.next();
    assert.equal(request?.metadata?.tags[0]?.value, "late");
    if (call.number === 1) {
      call.fail(...LOST);
      return;
    }
    await call.pcm();
    call.finish("");
  });
  const writer = await client.openStream(mono24k("mp3"), () => undefined);
  writer.describe({ title: "late" });
  await writer.close();
});

for (const [name, options, serial, expected] of [
  ["the loss is thrown at once if the client does not resume", { resumeTimeoutMs: 0 }, 7, ""],
  ["a stream without a spool", { spoolBytes: 0 }, 7, /the spool is off/],
  ["more PCM than the spool", { spoolBytes: 3 }, 7, /have exceeded spoolBytes/],
  ["a server that is too old to have a serial", {}, 0, /the server is too old/],
] as const) {
  test(`${name}: the error says how far the listener got, and why the stream was given up`, async (t) => {
    const [client, service] = await serve(t, async (call) => {
      await call.next();
      call.start(serial);
      await call.pcm(4);
      call.chunk("begin", 0, 2);
      call.fail(...LOST);
    });
    await assert.rejects(
      client.encodeStream(mono24k("mp3"), () => undefined, [Buffer.from("pcm!")], options),
      (error) => {
        assert.ok(error instanceof ServiceUnavailable);
        assert.deepEqual([error.bytesReceived, error.inputSamples], [5, 2]);
        if (expected === "") assert.equal(error.notResumed, "");
        else assert.match(error.notResumed, expected);
        return true;
      },
    );
    assert.equal(service.calls, 1);
  });
}

test("a stream that five servers were lost with, without any progress, is given up", async (t) => {
  const [client, service] = await serve(t, async (call) => {
    await call.next();
    call.start();
    await call.pcm(4);
    call.fail(...LOST);
  });
  await assert.rejects(
    client.encodeStream(mono24k("mp3"), () => undefined, [Buffer.from("pcm!")]),
    {
      name: "ServiceUnavailable",
      notResumed: "6 servers were lost in a row while they encoded this stream",
    },
  );
  assert.equal(service.calls, 6);
});

test("the search for another server ends with resumeTimeoutMs", async (t) => {
  const [client, service] = await serve(t, async (call) => {
    await call.next();
    if (call.number > 1) {
      call.fail(...LOST);
      return;
    }
    call.start();
    call.fail(...LOST);
  });
  const begin = performance.now();
  const encoded = client.encodeStream(mono24k("mp3"), () => undefined, [Buffer.from("pcm!")], { resumeTimeoutMs: 500 });
  await assert.rejects(encoded, { notResumed: "no server within resumeTimeoutMs=500" });
  assert.ok(performance.now() - begin < 1500);
  assert.ok(service.calls > 2);
});

test("a server that ignores resume cannot serve a listener that has bytes", async (t) => {
  const [client] = await serve(t, async (call) => {
    await call.next();
    call.start(call.number);
    call.chunk("begin", 0);
    if (call.number === 1) call.fail(...LOST);
    else await call.pcm();
  });
  await assert.rejects(
    client.encodeStream(mono24k("mp3"), () => undefined, [Buffer.from("pcm!")]),
    (error) => {
      return error instanceof CallFailed && error.codeName === "ABORTED" && error.reason === "RESUME_MISMATCH";
    },
  );
});

test("a final error is not resumed, and a refusal is waited for", async (t) => {
  let last = refused(status.ABORTED, "idle", { reason: "IDLE_TIMEOUT_EXCEEDED" });
  const [client, service] = await serve(t, async (call) => {
    await call.next();
    if (call.number === 2) {
      const { code, details, metadata } = refused(status.UNAVAILABLE, "full", { retryMs: 300 });
      call.fail(code, details, metadata);
      return;
    }
    call.start();
    if (call.number === 1) call.fail(...LOST);
    else call.fail(last.code, last.details, last.metadata);
  });
  const begin = performance.now();
  await assert.rejects(
    client.encodeStream(mono24k("mp3"), () => undefined, [Buffer.from("pcm!")]),
    {
      reason: "IDLE_TIMEOUT_EXCEEDED",
    },
  );
  assert.ok(performance.now() - begin >= 300);
  assert.equal(service.calls, 3);
  service.calls = 2;
  last = refused(status.CANCELLED, "CANCELLED", { reason: "OF_THE_SERVICE" });
  await assert.rejects(
    client.encodeStream(mono24k("mp3"), () => undefined, [Buffer.from("pcm!")]),
    {
      reason: "OF_THE_SERVICE",
    },
  );
});

test("a stream can be cancelled while it looks for another server", async (t) => {
  const [client] = await serve(t, async (call) => {
    await call.next();
    if (call.number === 1) call.start();
    call.fail(...LOST);
  });
  const here = folder(t);
  const writer = await client.openStream(mono24k("mp3"), join(here, "file"));
  await new Promise((resolve) => setTimeout(resolve, 100));
  await writer.cancel();
  assert.deepEqual(readdirSync(here), []);
});
