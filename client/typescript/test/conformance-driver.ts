// The driver of the clients' conformance set. It reads one case per line from stdin and writes its outcome as one line. The
// README of the conformance set describes the fields.
import { appendFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import {
  AudioWriterClient,
  CallFailed,
  ListFormatsResponse,
  Marker,
  Metadata,
  StreamConfig,
  StreamStarted,
  Totals,
  TruncatedStream,
  type AudioWriter,
  type Destination,
} from "../src/index.js";

interface Case {
  method: string;
  target: string;
  token: string;
  config: string;
  pcm: string;
  cut: number[];
  places: [bytes: number, position: number, channel: number][];
  sink: string;
  delay_ms: number;
  file: string;
  pause_after: number;
  cancel_after: number;
  second: boolean;
  streams: number;
  resume_timeout: number;
  spool_bytes: number;
  sink_limit: number;
  metadata: string;
  markers: string[];
}

interface Outcome {
  code: string;
  reason?: string;
  retry_after?: number;
  violations?: [string, string][];
  totals?: string;
  bytes_received?: number;
  second?: Outcome;
}

class SinkFailed extends Error {}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

function tell(outcome: object): void {
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}

/** Make the calls of a case concurrently, and return the outcome of the first that failed, or of the first. */
async function runAll(asked: Case): Promise<Outcome> {
  const client = new AudioWriterClient(asked.target, {
    metadata: asked.token === "" ? {} : { authorization: `Bearer ${asked.token}` },
  });
  const file = (number: number): string => (number === 0 ? asked.file : `${asked.file}.${String(number + 1)}`);
  const cases = Array.from({ length: asked.streams }, (_, number) => ({ ...asked, file: file(number) }));
  const outcomes = await Promise.all(cases.map((one) => run(client, one)));
  client.close();
  return outcomes.find(({ code }) => code !== "OK") ?? outcomes[0]!;
}

async function run(client: AudioWriterClient, asked: Case): Promise<Outcome> {
  try {
    return { code: "OK", ...(await call(client, asked)) };
  } catch (error) {
    if (error instanceof SinkFailed) return { code: "SINK_FAILED" };
    if (error instanceof TruncatedStream) return { code: "TRUNCATED", reason: error.message };
    if (!(error instanceof CallFailed)) throw error;
    return {
      code: error.codeName,
      reason: error.reason,
      retry_after: (error.retryAfterMs ?? 0) / 1000,
      violations: error.violations.map(({ field, description }) => [field, description]),
      bytes_received: error.bytesReceived,
    };
  }
}

async function call(client: AudioWriterClient, asked: Case): Promise<Partial<Outcome>> {
  const config = StreamConfig.decode(Buffer.from(asked.config, "base64"));
  switch (asked.method) {
    case "list_formats": {
      const formats = await client.listFormats();
      writeFileSync(asked.file, ListFormatsResponse.encode(ListFormatsResponse.fromPartial({ formats })).finish());
      return {};
    }
    case "get_server_info":
      if ((await client.getServerInfo()).version === "") throw new Error("the server has no version");
      return {};
    case "resolve_config":
      writeFileSync(asked.file, StreamStarted.encode(await client.resolveConfig(config)).finish());
      return {};
    case "encode":
      writeFileSync(asked.file, await client.encode(config, readFileSync(asked.pcm), { markers: markersOf(asked) }));
      return {};
    default:
      return stream(client, config, asked);
  }
}

async function stream(client: AudioWriterClient, config: StreamConfig, asked: Case): Promise<Partial<Outcome>> {
  const writer = await client.openStream(config, sinkOf(asked), {
    resumeTimeoutMs: asked.resume_timeout * 1000,
    ...(asked.spool_bytes > 0 && { spoolBytes: asked.spool_bytes }),
  });
  try {
    const outcome = await write(client, writer, asked);
    return { ...outcome, totals: Buffer.from(Totals.encode(await writer.close()).finish()).toString("base64") };
  } finally {
    await writer.cancel();
  }
}

function sinkOf(asked: Case): Destination {
  if (asked.sink === "path") return asked.file;
  return async (data) => {
    if (asked.delay_ms > 0) await sleep(asked.delay_ms);
    appendFileSync(asked.file, data);
    if (asked.sink_limit > 0 && statSync(asked.file).size >= asked.sink_limit) throw new SinkFailed();
  };
}

async function write(client: AudioWriterClient, writer: AudioWriter, asked: Case): Promise<Partial<Outcome>> {
  const pcm = readFileSync(asked.pcm);
  const outcome: Partial<Outcome> = {};
  for (let sent = 0, turn = 0; sent < pcm.length; turn++) {
    const [size, position, channel] = asked.places[turn] ?? [asked.cut[turn % asked.cut.length] ?? pcm.length, -1, 0];
    await writer.write(pcm.subarray(sent, sent + size), { position: position < 0 ? undefined : position, channel });
    sent = Math.min(sent + size, pcm.length);
    if (sent === asked.pause_after) {
      await writer.flush();
      tell({ paused: true });
      await lines.next();
      if (asked.second) {
        const again = { ...asked, file: `${asked.file}.second`, second: false, pause_after: 0 };
        outcome.second = await run(client, again);
      }
    }
    if (sent === asked.cancel_after) {
      await writer.flush();
      await writer.cancel();
    }
  }
  if (asked.metadata !== "" || asked.markers.length > 0) {
    const { tags } = Metadata.decode(Buffer.from(asked.metadata, "base64"));
    writer.describe(
      tags.map(({ name, value }) => [name, value] as const),
      markersOf(asked),
    );
  }
  return outcome;
}

function markersOf({ markers }: Case): Marker[] {
  return markers.map((marker) => Marker.decode(Buffer.from(marker, "base64")));
}

for await (const line of lines) {
  const asked = JSON.parse(line) as Case;
  tell(await runAll(asked));
}
