// CRC-32C: RFC 3720, appendix B.4. In the bit order of the CRC.

const POLYNOMIAL = 0x82f63b78;
const ONE = 0x80000000;
const X8 = 0x00800000;

/** TABLES[k][b]: the CRC of byte b followed by k zero bytes, so that eight bytes are processed at a time. */
const TABLES = Array.from({ length: 8 }, () => new Uint32Array(256)) as Tables;
type Tables = [Row, Row, Row, Row, Row, Row, Row, Row];
type Row = Uint32Array;

for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) {
    crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  }
  TABLES[0][byte] = crc;
}
for (let zeros = 1; zeros < 8; zeros++) {
  for (let byte = 0; byte < 256; byte++) {
    const crc = at(TABLES[zeros - 1]!, byte);
    TABLES[zeros]![byte] = (crc >>> 8) ^ at(TABLES[0], crc & 0xff);
  }
}

function at(table: Row, index: number): number {
  return table[index]!;
}

/** Return the CRC of `data` after bytes that have the CRC `crc`. */
export function crc32c(data: Uint8Array, crc = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let value = ~crc;
  let position = 0;
  for (const end = data.length - 7; position < end; position += 8) {
    const low = value ^ view.getInt32(position, true);
    const high = view.getInt32(position + 4, true);
    value =
      at(t7, low & 0xff) ^
      at(t6, (low >>> 8) & 0xff) ^
      at(t5, (low >>> 16) & 0xff) ^
      at(t4, low >>> 24) ^
      at(t3, high & 0xff) ^
      at(t2, (high >>> 8) & 0xff) ^
      at(t1, (high >>> 16) & 0xff) ^
      at(t0, high >>> 24);
  }
  for (; position < data.length; position++) {
    value = (value >>> 8) ^ at(t0, (value ^ view.getUint8(position)) & 0xff);
  }
  return ~value >>> 0;
}

/**
 * Return the CRC of a file of `size` bytes whose first bytes are replaced by `header`.
 *
 * `crc` is the CRC of the file as it is. `first` are its first bytes, at least as many as `header` has.
 */
export function crcWithHeader(crc: number, size: number, first: Uint8Array, header: Uint8Array): number {
  // CRCs are linear: the difference of the first bytes, moved to the start of the file, is the difference of the files.
  const change = crc32c(first.subarray(0, header.length)) ^ crc32c(header);
  return (crc ^ multiply(powerOfX8(size - header.length), change)) >>> 0;
}

function powerOfX8(exponent: number): number {
  let power = ONE;
  // Without bit operators, which have 32 bits only.
  for (let square = X8; exponent > 0; exponent = Math.floor(exponent / 2)) {
    if (exponent % 2 === 1) power = multiply(power, square);
    square = multiply(square, square);
  }
  return power;
}

/** Multiply two polynomials modulo the CRC's. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (; a !== 0; a <<= 1) {
    if (a & ONE) product ^= b;
    b = b & 1 ? (b >>> 1) ^ POLYNOMIAL : b >>> 1;
  }
  return product;
}
