import type { ClientUnaryCall, Metadata, ServiceError } from "@grpc/grpc-js";
import { setTimeout as sleep } from "node:timers/promises";
import { callFailed, CallFailed, cancelled } from "./errors.js";
import type { CallOptions } from "./options.js";
import { Deadline, isRefusal, waits } from "./retry.js";

type Rest<Response> = [
  metadata: Metadata,
  options: { deadline?: number },
  callback: (error: ServiceError | null, response: Response) => void,
];

/**
 * Make a unary call, and repeat it if a server refuses it. If the connection broke, it is not repeated: this request may have
 * crashed the server, and must not crash the next one.
 */
export async function unary<Response>(
  method: (...rest: Rest<Response>) => ClientUnaryCall,
  metadata: Metadata,
  { timeoutMs, signal }: CallOptions,
): Promise<Response> {
  const deadline = new Deadline(timeoutMs);
  const left = waits();
  for (;;) {
    throwIfAborted(signal);
    try {
      return await once(method, metadata, deadline, signal);
    } catch (error) {
      throwIfAborted(signal);
      const waitMs = left.next().value;
      const isFinal = !(error instanceof CallFailed) || !isRefusal(error);
      if (isFinal || waitMs === undefined || !deadline.allows(waitMs)) throw error;
      await sleep(waitMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    }
  }
}

/** Throw StreamCancelled if the signal is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw cancelled(signal.reason);
}

async function once<Response>(
  method: (...rest: Rest<Response>) => ClientUnaryCall,
  metadata: Metadata,
  deadline: Deadline,
  signal: AbortSignal | undefined,
): Promise<Response> {
  let cancel = (): void => undefined;
  try {
    return await new Promise((resolve, reject) => {
      const call = method(metadata, deadline.options, (error, response) => {
        if (error === null) resolve(response);
        else reject(callFailed(error));
      });
      cancel = () => call.cancel();
      signal?.addEventListener("abort", cancel, { once: true });
    });
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}
