// A client of audiowriter.v1 that encodes PCM into a file. docs/write-a-client.md explains each step.
import { createHash } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import grpc from "@grpc/grpc-js";
import { crc32c } from "@node-rs/crc32";
import { AudioWriterService, detailsOf } from "./proto.mjs";

const OPTIONS = { "grpc.service_config": '{"loadBalancingConfig": [{"round_robin": {}}]}', "grpc.enable_retries": 0 };
const ATTEMPTS = 10;
export const connect = (target, credentials) => new AudioWriterService(target, credentials, OPTIONS);
export const FLUSH = { flush: {} };
export class Truncated extends Error {}

// Returns the Totals. `pcm` is an iterable, also an async one, of Buffers of at most 1 MiB and of FLUSH.
export async function encodeToFile(service, config, pcm, path, metadata = new grpc.Metadata()) {
  for (let attempt = 1; ; attempt++) {
    const file = await open(`${path}.part`, "w+");
    try {
      const totals = await stream(service.EncodeStream(metadata), config, pcm, file);
      await rename(`${path}.part`, path);
      return totals;
    } catch (error) {
      await rm(`${path}.part`);
      if (error.started || attempt === ATTEMPTS || detailsOf(error).retryAfter === undefined) throw error;
      await sleep(Math.min(200, 50 * 2 ** (attempt - 1)) * (0.8 + 0.4 * Math.random()));
    } finally {
      await file.close();
    }
  }
}

async function stream(call, config, pcm, file) {
  const sha256 = createHash("sha256");
  let length = 0, crc = 0, finished, sending;
  const append = async (data) => (sha256.update(data), (length += data.length), await file.appendFile(data));
  const requests = async function* () { for await (const piece of pcm) yield piece === FLUSH ? FLUSH : { pcm: piece } };
  try {
    call.write({ config });
    for await (const response of call) {
      if (response.started) (sending = pipeline(requests, call)).catch(() => {}); // its error also ends the loop
      if (response.chunk && response.chunk.offset !== length) throw new Truncated("bytes are missing");
      if (response.chunk) await append(response.chunk.data);
      if (response.finished) await append((finished = response.finished).trailer);
    }
    await sending;
    if (!finished) throw new Truncated("the stream ended without `finished`");
    await file.write(finished.header, 0, finished.header.length, 0);
    for await (const block of file.createReadStream({ start: 0, autoClose: false })) crc = crc32c(block, crc);
    const { file_bytes, sent_sha256, file_crc32c } = finished.totals;
    if (length !== file_bytes || !sha256.digest().equals(sent_sha256) || crc !== file_crc32c)
      throw new Truncated("the length or a checksum differs from the totals");
    return finished.totals;
  } catch (error) {
    call.cancel(); // an error of the PCM or of the disk must not leave a stream on the server
    throw Object.assign(error, { started: sending !== undefined });
  }
}
