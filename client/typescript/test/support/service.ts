import { Metadata, Server, ServerCredentials, status, type ServerDuplexStream } from "@grpc/grpc-js";
import { AssertionError } from "node:assert";
import { createHash } from "node:crypto";
import { crc32c } from "../../src/crc32c.js";
import { BadRequest, ErrorInfo, RetryInfo, Status } from "../../src/gen/error_details.js";
import type { EncodeStreamResponse } from "../../src/index.js";
import {
  AudioWriterServiceService,
  EncodedChunk,
  StreamStarted,
  Totals,
  type DeepPartial,
  type EncodeStreamRequest,
  type StreamFinished,
} from "../../src/index.js";

export type ServerCall = ServerDuplexStream<EncodeStreamRequest, EncodeStreamResponse>;

/** A call to a {@link Scripted} service. */
export class ScriptedCall {
  readonly #requests: AsyncIterator<EncodeStreamRequest>;

  constructor(
    readonly call: ServerCall,
    readonly number: number,
  ) {
    call.on("error", () => undefined); // a client that cancels
    // The half-close must not end the call.
    this.#requests = call.iterator({ destroyOnReturn: false }) as AsyncIterator<EncodeStreamRequest>;
  }

  /** The next request; undefined after the half-close. */
  async next(): Promise<EncodeStreamRequest | undefined> {
    const next = await this.#requests.next();
    return next.done === true ? undefined : next.value;
  }

  /** All PCM up to the half-close, or up to `bytes` of it. */
  async pcm(bytes = Infinity): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    for (let have = 0; have < bytes;) {
      const request = await this.next();
      if (request === undefined) break;
      pieces.push(request.pcm);
      have += request.pcm.length;
    }
    return Buffer.concat(pieces);
  }

  send(event: EncodeStreamResponse["event"]): void {
    this.call.write({ event });
  }

  start(serial = 7): void {
    this.send({ $case: "started", value: StreamStarted.fromPartial({ serial, mimeType: "audio/mpeg" }) });
  }

  chunk(data: string, offset: number, inputSamples = 0): void {
    this.send({ $case: "chunk", value: EncodedChunk.fromPartial({ data: Buffer.from(data), offset, inputSamples }) });
  }

  /** Finish a file that was sent as `sent` without a trailer. */
  finish(sent: string, header = "", wrong: DeepPartial<Totals> = {}): void {
    const file = header + sent.slice(header.length);
    const totals = Totals.fromPartial({
      fileBytes: sent.length,
      sentSha256: createHash("sha256").update(sent).digest(),
      fileCrc32c: crc32c(Buffer.from(file)),
      ...wrong,
    });
    const value: StreamFinished = { header: Buffer.from(header), trailer: new Uint8Array(), totals };
    this.send({ $case: "finished", value });
    this.call.end();
  }

  /** End the call with a status. */
  fail(code: status, details: string, metadata = new Metadata()): void {
    this.call.emit("error", { code, details, metadata });
  }
}

/** A service whose streams follow a script. */
export class Scripted {
  calls = 0;
  readonly #server = new Server();

  private constructor(
    script: (call: ScriptedCall) => Promise<void>,
    unary: () => { code: status; details: string; metadata: Metadata },
  ) {
    const refuse = (_: unknown, callback: (error: object) => void): void => {
      this.calls++;
      callback(unary());
    };
    this.#server.addService(AudioWriterServiceService, {
      encodeStream: (call: ServerCall) => {
        script(new ScriptedCall(call, ++this.calls)).catch((error: unknown) => {
          if (error instanceof AssertionError) throw error; // otherwise the client has cancelled the call
        });
      },
      encode: refuse,
      resolveConfig: refuse,
      listFormats: refuse,
      getServerInfo: refuse,
    });
  }

  static async serve(
    script: (call: ScriptedCall) => Promise<void>,
    unary = (): { code: status; details: string; metadata: Metadata } =>
      refused(status.UNAVAILABLE, "full", { retryMs: 1 }),
  ): Promise<Scripted & { target: string }> {
    const scripted = new Scripted(script, unary);
    const port = await new Promise<number>((resolve, reject) => {
      scripted.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    return Object.assign(scripted, { target: `127.0.0.1:${String(port)}` });
  }

  stop(): void {
    this.#server.forceShutdown();
  }
}

/** A status with the details of google.rpc. */
export function refused(
  code: status,
  details: string,
  more: { reason?: string; fields?: string[]; retryMs?: number } = {},
): { code: status; details: string; metadata: Metadata } {
  const found = [];
  if (more.reason !== undefined) {
    const info = ErrorInfo.fromPartial({ reason: more.reason, metadata: { limit: "1" } });
    found.push({ typeUrl: "type.googleapis.com/google.rpc.ErrorInfo", value: ErrorInfo.encode(info).finish() });
  }
  if (more.fields !== undefined) {
    const fieldViolations = more.fields.map((field) => ({ field, description: "wrong" }));
    const bad = BadRequest.encode(BadRequest.fromPartial({ fieldViolations })).finish();
    found.push({ typeUrl: "type.googleapis.com/google.rpc.BadRequest", value: bad });
  }
  if (more.retryMs !== undefined) {
    const retry = RetryInfo.fromPartial({ retryDelay: { seconds: 0, nanos: more.retryMs * 1e6 } });
    found.push({ typeUrl: "type.googleapis.com/google.rpc.RetryInfo", value: RetryInfo.encode(retry).finish() });
  }
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(Status.encode(Status.fromPartial({ details: found })).finish()));
  return { code, details, metadata };
}
