import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { test, type TestContext } from "node:test";
import { NOWHERE, Spool } from "../src/spool.js";
import { folder } from "./support/audio.js";

/** Let temporary files be made in a folder. */
function useTemporary(t: TestContext, path: string): string {
  const old = process.env["TMPDIR"];
  process.env["TMPDIR"] = path;
  t.after(() => {
    if (old === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = old;
  });
  return path;
}

async function takeAll(spool: Spool, most: number): Promise<[Buffer, number[]]> {
  const pieces: Uint8Array[] = [];
  const flushes: number[] = [];
  for (let length = 0; spool.behind;) {
    const { pcm, flush } = await spool.take(most);
    assert.ok(pcm.length <= most);
    pieces.push(pcm);
    length += pcm.length;
    if (flush) flushes.push(length);
  }
  return [Buffer.concat(pieces), flushes];
}

for (const [place, block] of [
  ["memory", 1000],
  ["a file", 700_000],
] as const) {
  test(`PCM and flushes are returned from ${place} as often as they are taken`, async (t) => {
    const temporary = useTemporary(t, folder(t));
    const spool = new Spool(2 ** 30);
    const blocks = Array.from({ length: 10 }, () => randomBytes(block));
    for (const [index, pcm] of blocks.entries())
      await spool.add({ pcm, flush: index === 3 || index === 9, place: NOWHERE });
    await spool.add({ pcm: new Uint8Array(), flush: true, place: NOWHERE });
    assert.equal(spool.behind, false);
    for (const most of [333 + block / 3, 10 * block]) {
      spool.rewind();
      const [pcm, flushes] = await takeAll(spool, Math.floor(most));
      assert.deepEqual(pcm, Buffer.concat(blocks));
      assert.deepEqual(flushes, [4 * block, 10 * block, 10 * block]);
    }
    await spool.add({ pcm: blocks[0]!, flush: false, place: NOWHERE });
    spool.rewind();
    assert.equal((await takeAll(spool, 2 ** 20))[0].length, 11 * block);
    assert.deepEqual(readdirSync(temporary), []); // the file has no name
    await spool.close();
  });
}

test("more than the limit is not kept, and a flush counts as 8 bytes", async () => {
  const spool = new Spool(100);
  await spool.add({ pcm: Buffer.alloc(92), flush: true, place: NOWHERE });
  assert.equal(spool.complete, true);
  await spool.add({ pcm: Buffer.alloc(1), flush: false, place: NOWHERE });
  assert.equal(spool.complete, false);
  spool.rewind();
  assert.equal(spool.behind, false);
});

test("a spool with the limit 0 keeps nothing", async () => {
  const spool = new Spool(0);
  await spool.add({ pcm: Buffer.alloc(1), flush: true, place: NOWHERE });
  assert.deepEqual([spool.complete, spool.behind], [false, false]);
});

test("a disk that cannot be written ends the spool, and not the stream", async (t) => {
  useTemporary(t, "/nonexistent");
  const spool = new Spool(2 ** 30);
  await spool.add({ pcm: Buffer.alloc(5 * 2 ** 20), flush: false, place: NOWHERE });
  assert.equal(spool.complete, false);
});

test("places are returned with the PCM that they belong to, and are not joined", async () => {
  const pieces = [
    { pcm: Buffer.from("ab"), flush: false, place: { position: undefined, channel: 1 } },
    { pcm: Buffer.from("cd"), flush: true, place: { position: 9, channel: 1 } },
    { pcm: Buffer.from("ef"), flush: false, place: { position: undefined, channel: 2 } },
    { pcm: Buffer.from("gh"), flush: false, place: { position: undefined, channel: 2 } },
  ];
  const spool = new Spool(2 ** 20);
  for (const piece of pieces) await spool.add(piece);
  for (let time = 0; time < 2; time++) {
    spool.rewind();
    const got: unknown[] = [];
    while (spool.behind) {
      const { pcm, flush, place } = await spool.take(100);
      got.push([Buffer.from(pcm).toString(), flush, place.position, place.channel]);
    }
    assert.deepEqual(got, [
      ["ab", false, undefined, 1],
      ["cd", true, 9, 1],
      ["efgh", false, undefined, 2],
    ]);
  }
});
