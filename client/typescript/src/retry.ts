import { status } from "@grpc/grpc-js";
import type { CallFailed } from "./errors.js";

/**
 * As in the other clients. If half of the servers are full and many streams are opened at the same time, each attempt may
 * reach a full server by chance.
 */
const ATTEMPTS = 10;
const FIRST_MS = 50;
const MOST_MS = 200;
const JITTER = 0.2;

/** setTimeout() fires at once for longer delays. */
const MOST_TIMER_MS = 2 ** 31 - 1;

/** Yield the delay before each further attempt, in ms: about 1.6 s in total. */
export function* waits(): Generator<number, undefined> {
  for (let attempt = 0; attempt < ATTEMPTS - 1; attempt++) {
    // With jitter, so that callers that were refused together do not retry together.
    yield Math.min(FIRST_MS * 2 ** attempt, MOST_MS) * between(1 - JITTER, 1 + JITTER);
  }
}

/** Return a random number. */
export function between(low: number, high: number): number {
  return low + (high - low) * Math.random();
}

/** The time limit of a call with all its attempts. */
export class Deadline {
  readonly #end: number | undefined;

  /** `timeoutMs` is from now. undefined: no limit. Throws RangeError if it is not a positive number. */
  constructor(timeoutMs: number | undefined) {
    if (timeoutMs === undefined) return;
    if (!(timeoutMs > 0)) throw new RangeError(`timeoutMs=${String(timeoutMs)}: expected a number of ms above 0`);
    if (timeoutMs <= MOST_TIMER_MS) this.#end = Date.now() + timeoutMs;
  }

  /** For gRPC. */
  get options(): { deadline?: number } {
    return this.#end === undefined ? {} : { deadline: this.#end };
  }

  /** Whether it expires only after a delay of `waitMs`, so that a further attempt makes sense. */
  allows(waitMs: number): boolean {
    return this.#end === undefined || Date.now() + waitMs < this.#end;
  }
}

/** Whether a server refused the call without processing it, so that another one may accept it. */
export function isRefusal(error: CallFailed): boolean {
  return (error.code === status.UNAVAILABLE && error.retryAfterMs !== undefined) || isTooLate(error);
}

/**
 * Whether the call arrived while its server was stopping: after the drain, and before the client knew of its end. The
 * server's gRPC answers such a call itself, with the code as the text. What a client cancels has another text.
 */
export function isTooLate(error: CallFailed): boolean {
  return error.code === status.CANCELLED && error.reason === "" && error.details === "CANCELLED";
}
