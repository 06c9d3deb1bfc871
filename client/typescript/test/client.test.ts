import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { AudioWriterClient, CallFailed } from "../src/index.js";
import { folder, mono24k, tone } from "./support/audio.js";
import { clientOfServer } from "./support/server.js";

const client = await clientOfServer();
const SECOND = tone(24_000);

test("the unary calls return formats, defaults, version and limits", async () => {
  const formats = await client.listFormats();
  assert.ok(formats.some(({ name, mimeType }) => name === "mp3" && mimeType === "audio/mpeg"));
  const started = await client.resolveConfig(mono24k("opus"));
  assert.deepEqual([started.output?.sampleRateHz, started.fileExtension], [24_000, ".opus"]);
  const { version, limits } = await client.getServerInfo();
  assert.match(version, /^\d+\.\d+\.\d+/);
  assert.equal(limits?.maxPcmBytes, 2 ** 20);
});

test("invalid options and blocks are refused before the call", async () => {
  const refused = (name: string): object => ({ message: new RegExp(name) });
  await assert.rejects(client.openStream(mono24k("wav"), "f", { spoolBytes: -1 }), refused("spoolBytes=-1"));
  await assert.rejects(
    client.openStream(mono24k("wav"), "f", { resumeTimeoutMs: NaN }),
    refused("resumeTimeoutMs=NaN"),
  );
  await assert.rejects(client.encodeStream(mono24k("wav"), "f", SECOND as never), refused("pass \\[pcm\\]"));
  assert.throws(() => client.encodeIter(mono24k("wav"), 5 as never), refused("not number"));
});

test("no server at the target is UNAVAILABLE, and leaves no file", async (t) => {
  const here = folder(t);
  const path = join(here, "file");
  writeFileSync(path, "old");
  const nobody = new AudioWriterClient("127.0.0.1:1");
  t.after(() => nobody.close());
  await assert.rejects(nobody.openStream(mono24k("mp3"), path), (error) => {
    return error instanceof CallFailed && error.codeName === "UNAVAILABLE" && error.retryAfterMs === undefined;
  });
  assert.equal(readFileSync(path, "utf8"), "old");
});
