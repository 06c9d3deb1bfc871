import type { ClientDuplexStream, Metadata, ServiceError } from "@grpc/grpc-js";
import { setTimeout as sleep } from "node:timers/promises";
import { Changes } from "./changes.js";
import { callFailed, cancelled, type CallFailed } from "./errors.js";
import type {
  AudioWriterServiceClient,
  EncodeStreamRequest,
  EncodeStreamResponse,
} from "./gen/audiowriter/v1/audio_writer.js";
import { Retries } from "./resume.js";
import type { Deadline } from "./retry.js";
import type { StreamState } from "./stream-state.js";

type Call = ClientDuplexStream<EncodeStreamRequest, EncodeStreamResponse>;

/** Makes the calls of one stream, one after the other: sends its requests, and receives its responses. */
export class Session {
  readonly changes = new Changes();
  /** Resolves when the stream has ended. Never rejects: the state has the error. */
  readonly ended: Promise<void>;

  readonly #retries: Retries;
  readonly #cancel = new AbortController();
  #attempt = 0;
  #endSend: () => void = () => undefined;

  constructor(
    private readonly service: AudioWriterServiceClient,
    private readonly state: StreamState,
    private readonly metadata: Metadata,
    private readonly deadline: Deadline,
    resumeTimeoutMs: number,
  ) {
    this.#retries = new Retries(state, deadline, resumeTimeoutMs);
    this.ended = this.#run();
  }

  /** End the stream, unless it has ended. A file that is being completed is completed. */
  cancel(cause?: unknown): void {
    this.#cancel.abort(cancelled(cause));
  }

  async #run(): Promise<void> {
    const { state } = this;
    try {
      while (!(await this.#finishesCall())) state.beginAgain();
      await state.complete();
    } catch (error) {
      await state.fail(error);
    } finally {
      await state.requests.spool.close();
      this.changes.notify();
    }
  }

  /** Return true if all responses have arrived, and false if there must be another call. */
  async #finishesCall(): Promise<boolean> {
    const { signal } = this.#cancel;
    signal.throwIfAborted();
    const failed = await this.#makeCall(signal);
    signal.throwIfAborted();
    if (failed === undefined || this.#retries.isComplete(failed)) return true;
    const waitMs = await this.#retries.waitMs(failed);
    if (waitMs === undefined) throw failed;
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    return false;
  }

  /** Return the error of the call if it has failed. Rejects with any other error: of the sink, of the spool, or of a check. */
  async #makeCall(signal: AbortSignal): Promise<CallFailed | undefined> {
    const call = this.service.encodeStream(this.metadata, this.deadline.options);
    call.on("error", () => undefined); // the iterator throws it; one that comes later says nothing new
    const sent = this.#send(call);
    const failed = new Promise<never>((_, reject) => {
      sent.catch(reject);
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    });
    try {
      return await Promise.race([this.#receive(call), failed]); // a sink that blocks does not delay the end
    } finally {
      this.#attempt++;
      call.cancel();
      this.#endSend();
      this.changes.notify();
      await sent.catch(() => undefined);
    }
  }

  async #receive(call: Call): Promise<CallFailed | undefined> {
    const attempt = this.#attempt;
    const responses = (call as AsyncIterable<EncodeStreamResponse>)[Symbol.asyncIterator]();
    for (;;) {
      let next: IteratorResult<EncodeStreamResponse>;
      try {
        next = await responses.next();
      } catch (error) {
        return callFailed(error as ServiceError);
      }
      if (next.done === true || attempt !== this.#attempt) return undefined; // cancelled: the sink may be closed
      await this.state.receive(next.value);
      this.changes.notify();
    }
  }

  /** Send requests until the end of the PCM or of the call. */
  async #send(call: Call): Promise<void> {
    const { state, changes } = this;
    const attempt = this.#attempt;
    for (;;) {
      await changes.until(() => attempt !== this.#attempt || state.canSend);
      if (attempt !== this.#attempt || state.ended) return;
      if (!state.requests.ready) {
        call.end();
        return;
      }
      const request = await state.requests.take();
      changes.notify();
      if (attempt !== this.#attempt) return;
      await new Promise<unknown>((resolve) => {
        this.#endSend = () => resolve(undefined);
        // Called when the message has passed flow control, or never if the call has ended.
        call.write(request, resolve);
      });
    }
  }
}
