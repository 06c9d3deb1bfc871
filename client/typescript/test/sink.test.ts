import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { Writable } from "node:stream";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { FileSink } from "../src/file-sink.js";
import { isLive, openSink, type Destination } from "../src/sink.js";
import { folder } from "./support/audio.js";

const BODY = Buffer.from("????body");
const HEADER = Buffer.from("head");

test("a path gets its file when it is complete, with the permissions of the old one", async (t) => {
  const here = folder(t);
  const path = join(here, "file");
  writeFileSync(path, "old");
  chmodSync(path, 0o640);
  const sink = await openSink(path);
  assert.equal(isLive(sink), false);
  await sink.write(BODY);
  assert.equal(readFileSync(path, "utf8"), "old");
  const [temporary] = readdirSync(here).filter((name) => name !== "file");
  assert.match(temporary ?? "", /^\.audiowriter-[0-9a-f]{16}\.part$/);
  assert.equal(statSync(join(here, temporary!)).mode & 0o777, 0o640);
  await sink.finish(HEADER);
  assert.equal(readFileSync(path, "utf8"), "headbody");
  assert.deepEqual(readdirSync(here), ["file"]);
});

test("a path keeps its old file, or none, if the new one is discarded", async (t) => {
  const here = folder(t);
  writeFileSync(join(here, "old"), "old");
  for (const name of ["old", "new"]) {
    const sink = await openSink(pathToFileURL(join(here, name)));
    await sink.write(BODY);
    await sink.discard();
  }
  assert.deepEqual(readdirSync(here), ["old"]);
  assert.equal(readFileSync(join(here, "old"), "utf8"), "old");
});

test("a symbolic link stays a link, also if its target is not there yet", async (t) => {
  const here = folder(t);
  mkdirSync(join(here, "folder"));
  symlinkSync("folder/target", join(here, "link"));
  const sink = await openSink(join(here, "link"));
  await sink.write(BODY);
  await sink.finish(new Uint8Array());
  assert.ok(lstatSync(join(here, "link")).isSymbolicLink());
  assert.equal(readFileSync(join(here, "folder", "target"), "utf8"), "????body");
});

test("a named pipe is written directly, and is live", async (t) => {
  const pipe = join(folder(t), "pipe");
  execFileSync("mkfifo", [pipe]);
  const [reader, sink] = await Promise.all([open(pipe, "r"), openSink(pipe)]);
  assert.equal(isLive(sink), true);
  await sink.write(BODY);
  await sink.finish(HEADER);
  assert.equal(await reader.readFile("utf8"), "????body");
  await reader.close();
});

test("errors of the system have the path as it was given", async (t) => {
  const here = folder(t);
  const path = join(here, "missing", "file");
  await assert.rejects(openSink(path), { code: "ENOENT", path, message: new RegExp(`^ENOENT: .*'${path}'$`) });
  await assert.rejects(openSink(here), { code: "EISDIR" });
  assert.deepEqual(readdirSync(here), []);
  const sink = await openSink("/dev/full");
  await assert.rejects(Promise.resolve(sink.write(BODY)), { code: "ENOSPC" });
  await sink.discard();
});

test("an open file is written from its start, can be written again, and stays open", async (t) => {
  const path = join(folder(t), "file");
  const file = await open(path, "w+");
  const sink = await openSink(file);
  assert.ok(sink instanceof FileSink);
  await sink.write(Buffer.from("first attempt"));
  assert.equal(await sink.restart(), true);
  await sink.write(BODY);
  await sink.finish(HEADER);
  assert.equal(readFileSync(path, "utf8"), "headbody");
  await file.write("!", 8);
  assert.equal(await sink.restart(), false); // other bytes follow
  await file.close();
});

test("a function and a Sink get live bytes, one call after the other", async () => {
  const got: string[] = [];
  const sink = await openSink(async (data) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    got.push(Buffer.from(data).toString());
  });
  assert.equal(isLive(sink), true);
  await sink.write(BODY);
  assert.deepEqual(got, ["????body"]);
  await sink.finish(HEADER);
  await sink.discard();
  const own = { write: () => undefined, finish: () => undefined, discard: () => undefined };
  assert.equal(await openSink(own), own);
});

test("a Writable is left open, and the sink waits until it has processed the bytes", async () => {
  const callbacks: (() => void)[] = [];
  const stream = new Writable({ write: (_chunk, _encoding, callback) => void callbacks.push(callback) });
  const sink = await openSink(stream);
  assert.equal(isLive(sink), true);
  let isWritten = false;
  const written = Promise.resolve(sink.write(BODY)).then(() => (isWritten = true));
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(isWritten, false);
  callbacks[0]!();
  await written;
  await sink.finish(HEADER);
  assert.deepEqual([stream.writableEnded, stream.listenerCount("error"), stream.listenerCount("close")], [false, 0, 0]);
});

test("a Writable that fails, or that is closed, fails the sink", async () => {
  const failing = await openSink(new Writable({ write: (_chunk, _encoding, callback) => callback(new Error("gone")) }));
  await assert.rejects(Promise.resolve(failing.write(BODY)), /gone/);
  await assert.rejects(Promise.resolve(failing.write(BODY)), /gone/);
  const stuck = new Writable({ write: () => undefined });
  const sink = await openSink(stuck);
  const written = Promise.resolve(sink.write(BODY));
  stuck.destroy();
  await assert.rejects(written, /closed before the end/);
  await sink.discard();
});

test("anything else is refused", async () => {
  for (const [bad, name] of [
    [5, "number"],
    [{}, "Object"],
    [null, "null"],
  ] as const) {
    await assert.rejects(openSink(bad as unknown as Destination), new RegExp(`sink: expected a path, .*, not ${name}`));
  }
  assert.equal(existsSync("5"), false);
});
