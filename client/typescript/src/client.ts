import { createHash } from "node:crypto";
import { credentials, Metadata, type ChannelCredentials, type ChannelOptions } from "@grpc/grpc-js";
import { completeConfig, type StreamConfigInit } from "./config.js";
import { crc32c } from "./crc32c.js";
import { AudioWriterError, typeName } from "./errors.js";
import { Buffered, FileIterator } from "./file-iterator.js";
import {
  AudioWriterServiceClient,
  EncodeRequest,
  type EncodeResponse,
  type FormatInfo,
  type GetServerInfoResponse,
  type ListFormatsResponse,
  type ResolveConfigResponse,
  type StreamConfig,
  type StreamStarted,
  type Totals,
} from "./gen/audiowriter/v1/audio_writer.js";
import { checkOptions, type CallOptions, type EncodeOptions, type Headers, type StreamOptions } from "./options.js";
import { PcmLayout, type Pcm } from "./pcm.js";
import { checkFile } from "./received-bytes.js";
import { RESUME_TIMEOUT_MS } from "./resume.js";
import { Deadline } from "./retry.js";
import { Session } from "./session.js";
import { openSink, type Destination, type Sink } from "./sink.js";
import { SPOOL_BYTES } from "./spool.js";
import { StreamState } from "./stream-state.js";
import { addressOf } from "./target.js";
import { throwIfAborted, unary } from "./unary.js";
import { AudioWriter } from "./writer.js";

/** The options of an {@link AudioWriterClient}. */
export interface ClientOptions {
  /** Enables TLS. Default: plain text. With a list of servers, all of them are verified by the first one's name. */
  credentials?: ChannelCredentials | undefined;
  /** Sent with each call, such as `{ authorization: "Bearer …" }`. */
  metadata?: Headers | undefined;
  /** Options of @grpc/grpc-js, which override those of this package. */
  channelOptions?: ChannelOptions | undefined;
}

const CHANNEL_OPTIONS: ChannelOptions = {
  // Detects a dead server within 50 s; without keepalive it would never be detected.
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 20_000,
  "grpc.keepalive_permit_without_calls": 1,
  // A stream that lost its only server waits for the next attempt to connect. By default gRPC waits for up to two minutes.
  "grpc.max_reconnect_backoff_ms": 5000,
  // A file returned by Encode may be larger than its PCM; the server limits its size.
  "grpc.max_receive_message_length": -1,
  // Calls use the addresses of a target in turn: a stream that one server refuses is sent to another one.
  "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
  "grpc.service_config_disable_resolution": 1,
  // The client repeats calls itself: gRPC would do so without regard to the reason.
  "grpc.enable_retries": 0,
};

/**
 * A connection to one or several servers, for any number of streams. Nothing is sent before the first call.
 *
 * Calls use all addresses of the target in turn. A call that a server refuses because it is full or draining is sent to the
 * next one. After ten attempts, about 1.6 s, the error is thrown.
 */
export class AudioWriterClient {
  readonly #service: AudioWriterServiceClient;
  readonly #metadata: Metadata;

  /**
   * `target` is "host:port", "host" (port 50051), several servers as "host:port,host:port", or a name of gRPC such as
   * "dns:///name:port" or "unix:/path".
   *
   * @throws RangeError for a server in a list that is not host:port.
   */
  constructor(target: string, options: ClientOptions = {}) {
    const address = addressOf(target);
    this.#metadata = metadataOf(options.metadata);
    this.#service = new AudioWriterServiceClient(address.target, options.credentials ?? credentials.createInsecure(), {
      ...CHANNEL_OPTIONS,
      ...address.options,
      ...options.channelOptions,
    });
  }

  /**
   * Encode all blocks of an iterable, such as a generator, an array or a Readable, and return the totals of the file.
   *
   * If the iterable, the sink or the call fails, the stream is cancelled and no file is left. Sinks and errors are those of
   * `openStream`.
   */
  async encodeStream(
    config: StreamConfigInit,
    sink: Destination,
    pcm: AsyncIterable<Pcm> | Iterable<Pcm>,
    options: StreamOptions = {},
  ): Promise<Totals> {
    checkBlocks(pcm);
    const writer = await this.openStream(config, sink, options);
    return writer.writeAll(pcm);
  }

  /**
   * Open a stream. Resolves when a server has accepted it.
   *
   * A stream survives the loss of its server: see {@link StreamOptions.resumeTimeoutMs}.
   *
   * Rejects with {@link InvalidArgument}, whose `violations` name each invalid field, with another {@link AudioWriterError},
   * with the system's error if a path cannot be written, and with TypeError or RangeError for an invalid argument.
   */
  async openStream(config: StreamConfigInit, sink: Destination, options: StreamOptions = {}): Promise<AudioWriter> {
    const complete = completeConfig(config);
    checkOptions(options);
    throwIfAborted(options.signal);
    const deadline = new Deadline(options.timeoutMs);
    const writer = this.#start(complete, await openSink(sink), deadline, options);
    await writer.accepted();
    return writer;
  }

  /**
   * Encode the blocks of an iterable, and return an iterator over the bytes of the file, for web frameworks.
   *
   * The stream starts at once. `pcm` is read only as far ahead as the buffers hold: a slow consumer slows it down. If the server
   * is lost, the iterator goes on with the next byte. `Readable.from` makes a Node.js stream of the iterator.
   *
   * @throws TypeError or RangeError for an invalid argument.
   */
  encodeIter(
    config: StreamConfigInit,
    pcm: AsyncIterable<Pcm> | Iterable<Pcm>,
    options: StreamOptions = {},
  ): FileIterator {
    checkBlocks(pcm);
    const complete = completeConfig(config);
    checkOptions(options);
    throwIfAborted(options.signal);
    const buffer = new Buffered();
    return new FileIterator(this.#start(complete, buffer, new Deadline(options.timeoutMs), options), buffer, pcm);
  }

  #start(config: StreamConfig, sink: Sink, deadline: Deadline, options: StreamOptions): AudioWriter {
    const { resumeTimeoutMs = RESUME_TIMEOUT_MS, spoolBytes = SPOOL_BYTES, bufferMs, signal } = options;
    const state = new StreamState(config, sink, resumeTimeoutMs > 0 ? spoolBytes : 0, bufferMs);
    const session = new Session(this.#service, state, this.#with(options.metadata), deadline, resumeTimeoutMs);
    if (signal !== undefined) {
      const cancel = (): void => session.cancel(signal.reason);
      signal.addEventListener("abort", cancel, { once: true });
      void session.ended.then(() => signal.removeEventListener("abort", cancel));
    }
    return new AudioWriter(state, session);
  }

  /**
   * Encode short audio in one call and return the file. PCM and file are each limited by the server's message limit, 4 MiB by
   * default. A call whose connection breaks is not repeated.
   */
  async encode(config: StreamConfigInit, pcm: Pcm, options: EncodeOptions = {}): Promise<Uint8Array> {
    const complete = completeConfig(config);
    const request = EncodeRequest.create({
      pcm: new PcmLayout(complete.input).toBytes(pcm),
      markers: options.markers ?? [],
    });
    request.config = complete;
    const metadata = this.#with(options.metadata);
    const { file, totals } = await unary<EncodeResponse>(
      (...rest) => this.#service.encode(request, ...rest),
      metadata,
      options,
    );
    checkFile(totals, file.length, createHash("sha256").update(file).digest(), crc32c(file));
    return file;
  }

  /**
   * Return what a stream with this config would start with: all defaults filled in, and the delay. Rejects with
   * {@link InvalidArgument}, which lists all invalid fields.
   */
  async resolveConfig(config: StreamConfigInit, options: CallOptions = {}): Promise<StreamStarted> {
    const request = { config: completeConfig(config) };
    const metadata = this.#with(options.metadata);
    const { started } = await unary<ResolveConfigResponse>(
      (...rest) => this.#service.resolveConfig(request, ...rest),
      metadata,
      options,
    );
    if (started === undefined) throw new AudioWriterError("the server returned no config");
    return started;
  }

  /** Return the formats of the server with their sample rates, channels and options. */
  async listFormats(options: CallOptions = {}): Promise<FormatInfo[]> {
    const metadata = this.#with(options.metadata);
    const { formats } = await unary<ListFormatsResponse>(
      (...rest) => this.#service.listFormats({}, ...rest),
      metadata,
      options,
    );
    return formats;
  }

  /** Return the version and the limits of the server. */
  getServerInfo(options: CallOptions = {}): Promise<GetServerInfoResponse> {
    return unary((...rest) => this.#service.getServerInfo({}, ...rest), this.#with(options.metadata), options);
  }

  #with(metadata: Headers | undefined): Metadata {
    const all = this.#metadata.clone();
    all.merge(metadataOf(metadata));
    return all;
  }

  /** Close the connection. Call it when all streams have ended. */
  close(): void {
    this.#service.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function metadataOf(given: Headers | undefined): Metadata {
  if (given instanceof Metadata) return given;
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(given ?? {})) metadata.set(name, value);
  return metadata;
}

/** Throw TypeError for one block, whose items are no blocks. */
function checkBlocks(pcm: unknown): void {
  const isIterable = typeof pcm === "object" && pcm !== null && (Symbol.asyncIterator in pcm || Symbol.iterator in pcm);
  if (isIterable && !ArrayBuffer.isView(pcm)) return;
  const hint = ArrayBuffer.isView(pcm) ? ": for a single block pass [pcm]" : "";
  throw new TypeError(`pcm: expected an iterable of blocks, not ${typeName(pcm)}${hint}`);
}
