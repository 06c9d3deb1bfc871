// The client's driver for the conformance cases. lab/conformance/README.md describes its lines.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import grpc from "@grpc/grpc-js";
import { connect, encodeToFile, FLUSH, Truncated } from "./client.mjs";
import { detailsOf, load } from "./proto.mjs";

const MESSAGE_BYTES = 1 << 16;
const messages = load(); // without defaults, which would become fields of the config
const { deserialize, serialize } = messages["audiowriter.v1.StreamConfig"];
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const tell = (outcome) => process.stdout.write(JSON.stringify(outcome) + "\n");

for await (const line of lines) {
  const asked = JSON.parse(line);
  tell(unsupported(asked) ?? (await runAll(asked)));
}

// Returns why this client can't run a case, or undefined.
function unsupported({ method, sink, config, resume_timeout, places, metadata, markers }) {
  if (method !== "stream") return { unsupported: `method ${method}` };
  if (resume_timeout) return { unsupported: "resume" };
  if (places.length) return { unsupported: "places" };
  if (metadata || markers.length) return { unsupported: "metadata after the config" };
  if (sink !== "path") return { unsupported: "a sink that can't seek" };
  const bytes = Buffer.from(config, "base64");
  if (!serialize(deserialize(bytes)).equals(bytes)) return { unsupported: "unknown fields in the config" };
}

// Runs the streams of a case at the same time; returns the outcome of the first that failed, or of the first.
async function runAll(asked) {
  const servers = asked.target.split(",").map((server) => server.replace("localhost", "127.0.0.1"));
  const service = connect(`ipv4:${servers}`, grpc.credentials.createInsecure());
  const file = (number) => (number ? `${asked.file}.${number + 1}` : asked.file);
  const calls = Array.from({ length: asked.streams }, (_, number) => run(service, asked, file(number)));
  const outcomes = await Promise.all(calls);
  service.close();
  return outcomes.find(({ code }) => code !== "OK") ?? outcomes[0];
}

async function run(service, asked, file) {
  const metadata = new grpc.Metadata();
  if (asked.token) metadata.set("authorization", `Bearer ${asked.token}`);
  const outcome = { code: "OK" };
  try {
    const config = deserialize(Buffer.from(asked.config, "base64"));
    const totals = await encodeToFile(service, config, pieces(service, asked, outcome), file, metadata);
    outcome.totals = messages["audiowriter.v1.Totals"].serialize(totals).toString("base64");
  } catch (error) {
    if (error instanceof Truncated) return { code: "TRUNCATED", reason: error.message };
    if (error.code === undefined) throw error;
    const { reason, retryAfter = 0, violations } = detailsOf(error);
    const pairs = violations.map(({ field, description }) => [field, description]);
    return { code: grpc.status[error.code], reason, retry_after: retryAfter, violations: pairs };
  }
  return outcome;
}

// Yields the PCM in the sizes of the case, and does what it asks between them.
async function* pieces(service, asked, outcome) {
  const pcm = readFileSync(asked.pcm);
  for (let at = 0, turn = 0; at < pcm.length; turn++) {
    const end = Math.min(pcm.length, at + (asked.cut[turn % asked.cut.length] ?? pcm.length));
    while (at < end) yield pcm.subarray(at, (at = Math.min(end, at + MESSAGE_BYTES)));
    if (at === asked.pause_after) {
      yield FLUSH;
      tell({ paused: true });
      await lines.next();
      if (asked.second) outcome.second = await run(service, { ...asked, pause_after: 0 }, `${asked.file}.second`);
    }
    if (at === asked.cancel_after) {
      yield FLUSH;
      throw Object.assign(new Error("cancelled"), { code: grpc.status.CANCELLED });
    }
  }
}
