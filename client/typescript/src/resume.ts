import { status } from "@grpc/grpc-js";
import type { CallFailed } from "./errors.js";
import { between, isTooLate, waits, type Deadline } from "./retry.js";
import type { StreamState } from "./stream-state.js";

/** Default. A supervisor restarts a worker within a second, and a cluster replaces a server within a minute. */
export const RESUME_TIMEOUT_MS = 60_000;

/** Servers that may be lost in a row without any progress of the stream, because it may be the stream that crashes them. */
const MOST_LOSSES = 5;

const FIRST_MS = 50;
const MOST_MS = 2000;
/** More than for other calls: all streams of a server are lost together, and each of them is work to replay. */
const JITTER = 0.5;
/** Time after which a server that has accepted the stream counts as progress, even if there was nothing to encode. */
const STABLE_MS = 5000;

/**
 * Decides whether a call that failed is made again, and after which delay.
 *
 * Before a server has accepted the stream there are ten attempts, as for every call. After that the stream is resumed: it is
 * sent again from its start, for up to `timeoutMs`; 0: never.
 */
export class Retries {
  #waits: Iterator<number, undefined> = waits();
  #end: number | undefined; // of the current outage
  #losses = 0;
  #furthest = 0;

  constructor(
    private readonly state: StreamState,
    private readonly deadline: Deadline,
    private readonly timeoutMs: number,
  ) {}

  /** Whether the file had arrived when the call broke, so that only its status is missing. */
  isComplete(error: CallFailed): boolean {
    return this.state.hasFinished && isBroken(error);
  }

  /** Return the delay before the next call, in ms, and prepare the sink for it. undefined: the error is final. */
  async waitMs(error: CallFailed): Promise<number | undefined> {
    let waitMs: number | undefined;
    if (this.state.started === undefined) {
      if (error.code === status.UNAVAILABLE || isTooLate(error)) waitMs = this.#waits.next().value;
    } else if (this.timeoutMs > 0 && isBroken(error)) {
      waitMs = await this.#resumeWaitMs(error);
    }
    return waitMs !== undefined && this.deadline.allows(waitMs) ? waitMs : undefined;
  }

  async #resumeWaitMs(error: CallFailed): Promise<number | undefined> {
    const { state } = this;
    const now = performance.now();
    const progress = state.bytesReceived > this.#furthest || state.acceptedMs >= STABLE_MS;
    if (progress || this.#end === undefined) {
      this.#end = now + this.timeoutMs;
      this.#losses = 0;
      this.#waits = resumeWaits();
    }
    this.#furthest = Math.max(this.#furthest, state.bytesReceived);
    if (state.isAccepted) this.#losses++;
    let waitMs = this.#waits.next().value ?? MOST_MS;
    if (error.retryAfterMs !== undefined) waitMs = Math.max(waitMs, error.retryAfterMs * between(1, 1 + JITTER));
    if (this.#losses > MOST_LOSSES) {
      error.notResumed = `${String(this.#losses)} servers were lost in a row while they encoded this stream`;
    } else if (now + waitMs >= this.#end) {
      error.notResumed = `no server within resumeTimeoutMs=${String(this.timeoutMs)}`;
    } else {
      error.notResumed = await state.prepareSink();
      if (error.notResumed === "") return waitMs;
    }
    return undefined;
  }
}

function* resumeWaits(): Generator<number, undefined> {
  for (let mostMs = FIRST_MS; ; mostMs = Math.min(2 * mostMs, MOST_MS)) yield mostMs * between(1 - JITTER, 1);
}

/**
 * Whether the server or the connection was lost, or the server gives the stream away, so that another may take it.
 *
 * A proxy that has sent headers can only reset a stream whose server it has lost. gRPC reports that without details:
 * "Call cancelled" is what a reset with CANCEL is called here. What this client cancels has another text.
 */
export function isBroken(error: CallFailed): boolean {
  if (error.code === status.UNAVAILABLE || isTooLate(error)) return true;
  if (error.reason !== "") return false;
  return error.code === status.CANCELLED
    ? error.details === "Call cancelled"
    : error.code === status.INTERNAL && error.details.includes("RST_STREAM");
}
