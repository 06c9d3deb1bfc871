import { status } from "@grpc/grpc-js";
import { AudioWriterError, CallFailed, TruncatedStream } from "./errors.js";
import {
  type EncodeStreamResponse,
  type StreamConfig,
  type StreamFinished,
  type StreamFlushed,
  type StreamStarted,
  type Totals,
} from "./gen/audiowriter/v1/audio_writer.js";
import { PcmLayout } from "./pcm.js";
import { MESSAGE_BYTES, RequestQueue } from "./queue.js";
import { ReceivedBytes } from "./received-bytes.js";
import { FileSink } from "./file-sink.js";
import { isLive, type Sink } from "./sink.js";
import { webVtt } from "./webvtt.js";

/** For files that nobody listens to: a recording in 20 ms frames then costs the server a third to a tenth. */
const BUFFER_MS = 1000;

/**
 * State of one stream: what to send, what was received, where it is written, and how it ended. Everything except waiting.
 *
 * If a call breaks, another one can follow: prepareSink(), beginAgain(), and then its responses.
 */
export class StreamState {
  readonly layout: PcmLayout;
  readonly requests: RequestQueue;
  /** The first event of the stream. */
  started: StreamStarted | undefined;
  flushed: StreamFlushed | undefined;
  flushAnswers = 0;
  /** Whether the file is complete, or the stream has failed. */
  ended = false;
  error: Error | undefined;

  readonly #inputRateHz: number;
  readonly #sink: Sink;
  #acceptedAt: number | undefined; // of the current call
  #answers = 0; // to flushes, of the current call
  #flushes = 0;
  #inputSamples = 0;
  #received = new ReceivedBytes();
  #finished: StreamFinished | undefined;

  /** `bufferMs`: how much PCM is gathered for a message. undefined: BUFFER_MS, or nothing for a live sink. */
  constructor(config: StreamConfig, sink: Sink, spoolBytes: number, bufferMs: number | undefined) {
    this.#sink = sink;
    this.#inputRateHz = config.input?.sampleRateHz ?? 0;
    this.layout = new PcmLayout(config.input);
    const seconds = (bufferMs ?? (isLive(sink) ? 0 : BUFFER_MS)) / 1000;
    const bytes = seconds * this.#inputRateHz * this.layout.frameBytes;
    this.requests = new RequestQueue(
      config,
      spoolBytes,
      Math.floor(Math.min(bytes, MESSAGE_BYTES)),
      this.layout.sampleBytes,
    );
  }

  /** Number of bytes of the file received so far. */
  get bytesReceived(): number {
    return this.#received.length;
  }

  /** Whether there is room for a piece of PCM. Also true after the end: then checkOpen() throws the reason. */
  get canWrite(): boolean {
    return this.ended || !this.requests.full;
  }

  /**
   * Whether there is a request to send, or there will never be one. Only the config is sent before a server has accepted the
   * stream, so whatever sends a refused call again, this client or a proxy, has no PCM that it could lose.
   */
  get canSend(): boolean {
    if (this.ended || !this.requests.configTaken) return true;
    return this.isAccepted && (this.requests.ready || this.requests.ended);
  }

  /** Whether a server has accepted the current call. */
  get isAccepted(): boolean {
    return this.#acceptedAt !== undefined;
  }

  /** Time since a server has accepted the current call, in ms; 0 if none has. */
  get acceptedMs(): number {
    return this.#acceptedAt === undefined ? 0 : performance.now() - this.#acceptedAt;
  }

  /** Whether the last response has arrived. */
  get hasFinished(): boolean {
    return this.#finished !== undefined;
  }

  /**
   * Prepare the sink for the bytes of another call. Returns why the stream can't be sent again, or "". A file is written again
   * from its start, which works with any server. Another sink goes on where it is.
   */
  async prepareSink(): Promise<string> {
    if (!this.requests.spool.complete)
      return "the spool is off, or PCM and flushes have exceeded spoolBytes, or the disk";
    if (this.#sink instanceof FileSink && (await this.#sink.restart())) {
      this.#received = new ReceivedBytes();
    }
    return this.bytesReceived > 0 && this.started?.serial === 0
      ? "the server is too old to go on in the middle of a file"
      : "";
  }

  /** Start another call of the same stream. */
  beginAgain(): void {
    this.#acceptedAt = undefined;
    this.#answers = 0;
    const { started } = this;
    this.requests.beginAgain(started === undefined ? undefined : this.#received.resume(started.serial));
  }

  /** Queue a flush and return its number: it is answered when `flushAnswers` reaches this number. */
  putFlush(): number {
    this.checkOpen();
    this.requests.putFlush();
    return ++this.#flushes;
  }

  /** Throw the error that the stream has failed with, or an Error if it was closed. */
  checkOpen(): void {
    this.check();
    if (this.requests.ended) throw new Error("the writer is closed");
  }

  /** Throw the error that the stream has failed with. */
  check(): void {
    if (this.error !== undefined) throw this.error;
  }

  /** The last event of a complete file. Throws the error of the stream, or an Error before its end. */
  get end(): StreamFinished & { totals: Totals } {
    this.check();
    const finished = this.#finished;
    if (!this.ended || finished?.totals === undefined) throw new Error("there is no result before close()");
    return { ...finished, totals: finished.totals };
  }

  markersWebVtt(): string {
    return webVtt(this.requests.markers, this.#inputRateHz, this.end.totals.inputSamples);
  }

  /** Process one response, and wait until the sink has its bytes. */
  async receive({ event }: EncodeStreamResponse): Promise<void> {
    switch (event?.$case) {
      case "started": {
        this.#accept(event.value);
        return;
      }
      case "chunk":
        this.#inputSamples = event.value.inputSamples;
        return this.#write(this.#received.addChunk(event.value));
      case "flushed":
        // A flush that is sent again is answered again.
        if (++this.#answers > this.flushAnswers) {
          this.flushed = event.value;
          this.flushAnswers = this.#answers;
        }
        return;
      case "finished":
        this.#finished = event.value;
        return this.#write(this.#received.add(event.value.trailer));
    }
  }

  #accept(started: StreamStarted): void {
    const { resume } = this.requests;
    if (resume !== undefined && resume.offset > 0 && started.serial !== resume.serial) {
      const text = "the server is too old to go on in the middle of a file";
      throw new CallFailed(status.ABORTED, text, { reason: "RESUME_MISMATCH" });
    }
    if (this.bytesReceived === 0) this.started = started;
    this.#acceptedAt = performance.now();
  }

  async #write(data: Uint8Array): Promise<void> {
    if (data.length > 0) await this.#sink.write(data);
  }

  /** Complete the file after the call has ended with OK. Rejects with TruncatedStream if it is incomplete. */
  async complete(): Promise<void> {
    const finished = this.#finished;
    if (finished === undefined) throw new TruncatedStream("the server ended the stream without `finished`");
    if (!this.requests.ended) throw new TruncatedStream("the server finished before the end of the PCM");
    this.#received.check(finished);
    await this.#sink.finish(finished.header);
    this.ended = true;
  }

  /** Discard the file: the call failed or was cancelled, or the sink failed. Does nothing after the end. */
  async fail(error: unknown): Promise<void> {
    if (this.ended) return;
    if (error instanceof AudioWriterError) {
      error.bytesReceived = this.bytesReceived;
      error.inputSamples = this.#inputSamples;
    }
    try {
      await this.#sink.discard();
    } catch {
      // The error that ended the stream says more.
    }
    this.error = error instanceof Error ? error : new AudioWriterError(String(error), { cause: error });
    this.ended = true;
  }
}
