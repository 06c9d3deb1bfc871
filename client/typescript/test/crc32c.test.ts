import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { crc32c, crcWithHeader } from "../src/crc32c.js";

test("the CRC is that of RFC 3720, appendix B.4", () => {
  assert.equal(crc32c(Buffer.from("123456789")), 0xe3069283);
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
  assert.equal(crc32c(new Uint8Array()), 0);
});

test("the CRC does not depend on how the data is cut or aligned", () => {
  const data = randomBytes(1000);
  for (const cut of [1, 7, 8, 9, 500, 999]) {
    assert.equal(crc32c(data.subarray(cut), crc32c(data.subarray(0, cut))), crc32c(data));
  }
});

test("the CRC with another header is that of the file with this header", () => {
  const file = randomBytes(70_000);
  for (const length of [0, 1, 44, 4096, 70_000]) {
    const header = randomBytes(length);
    const changed = Buffer.concat([header, file.subarray(length)]);
    assert.equal(crcWithHeader(crc32c(file), file.length, file.subarray(0, 70_000), header), crc32c(changed));
  }
});

test("the CRC of a file beyond 4 GiB is computed without its bytes", () => {
  // A file of n zero bytes, as CRCs of zeros are composed: crc(2n) from crc(n).
  const header = Buffer.from("header");
  const zeros = Buffer.alloc(6);
  const short = crcWithHeader(crc32c(Buffer.alloc(1000)), 1000, zeros, header);
  assert.equal(short, crc32c(Buffer.concat([header, Buffer.alloc(994)])));
  // Swapping the header twice restores the CRC, whatever the length.
  const size = 2 ** 40 + 5;
  const once = crcWithHeader(0x12345678, size, zeros, header);
  assert.notEqual(once, 0x12345678);
  assert.equal(crcWithHeader(once, size, header, zeros), 0x12345678);
});
