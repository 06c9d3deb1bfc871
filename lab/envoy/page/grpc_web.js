// Encode over grpc-web without a library: the parts of protobuf and of grpc-web's framing that a page needs.
// The numbers are those of audio_writer.proto.

export const Format = { WAV: 1, OGG_VORBIS: 2, OGG_OPUS: 3, FLAC: 4, MP3: 5, AAC_ADTS: 6, AAC_M4A: 12, WEBM_OPUS: 14 };

/** A call that ended with a status other than OK. `code`: the number of the status. */
export class CallFailed extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/**
 * Encode 16-bit mono PCM, an Int16Array.
 * Returns {file: Uint8Array, mimeType: string}. Throws CallFailed, or TypeError if there was no answer.
 */
export async function encode(origin, format, sampleRateHz, samples) {
  const config = [...message(1, varint(2, sampleRateHz)), ...message(2, varint(1, format))];
  const pcm = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  const request = join(Uint8Array.from([...message(1, config), ...head(2, pcm.length)]), pcm);
  const answer = await fetch(`${origin}/audiowriter.v1.AudioWriterService/Encode`, {
    method: "POST",
    headers: { "content-type": "application/grpc-web+proto", "x-grpc-web": "1" },
    body: join(Uint8Array.of(0, ...bigEndian(request.length)), request),
  });
  const { data, trailers } = unframe(new Uint8Array(await answer.arrayBuffer()));
  // A refusal has its status in the headers, with no body.
  const status = (name) => trailers.get(name) ?? answer.headers.get(name);
  if (status("grpc-status") !== "0") {
    throw new CallFailed(Number(status("grpc-status") ?? 2), decodeURIComponent(status("grpc-message") ?? answer.status));
  }
  const response = fields(data);
  const started = fields(response.get(2));
  return { file: response.get(1), mimeType: new TextDecoder().decode(started.get(2)) };
}

// Frames: one byte of flags (0x80: trailers), a length of four bytes, the data.
function unframe(bytes) {
  const trailers = new Map();
  let data = new Uint8Array();
  for (let at = 0; at < bytes.length; ) {
    const length = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(1);
    const frame = bytes.subarray(at + 5, at + 5 + length);
    if (bytes[at] & 0x80) {
      for (const line of new TextDecoder().decode(frame).trim().split("\r\n")) {
        const colon = line.indexOf(":");
        trailers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
      }
    } else {
      data = frame;
    }
    at += 5 + length;
  }
  return { data, trailers };
}

// Protobuf: key = number << 3 | type. Type 0 is a varint, type 2 starts with a length, types 1 and 5 are 8 and 4 bytes.
const digits = (value) => (value < 128 ? [value] : [(value % 128) | 128, ...digits(Math.floor(value / 128))]);
const varint = (number, value) => [...digits(number << 3), ...digits(value)];
const head = (number, length) => [...digits((number << 3) | 2), ...digits(length)];
const message = (number, bytes) => [...head(number, bytes.length), ...bytes];
const bigEndian = (length) => [24, 16, 8, 0].map((shift) => (length >>> shift) & 255);

function join(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
}

/** Fields with a length, by number. */
function fields(bytes) {
  const found = new Map();
  let at = 0;
  const number = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      value += (bytes[at] & 127) * scale;
      if (bytes[at++] < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = number();
    if ((key & 7) === 0) number();
    else if ((key & 7) === 2) {
      const length = number();
      found.set(key >>> 3, bytes.subarray(at, at + length));
      at += length;
    } else at += (key & 7) === 1 ? 8 : 4;
  }
  return found;
}
