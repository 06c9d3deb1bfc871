import { status, type ServiceError } from "@grpc/grpc-js";
import { BadRequest, ErrorInfo, RetryInfo, Status } from "./gen/error_details.js";

/** Base of all errors of the service and of a stream. An error of the sink or of the PCM is thrown unchanged. */
export class AudioWriterError extends Error {
  override name = "AudioWriterError";

  /** Bytes of the file that the sink of a stream has received. A function, a Writable or a {@link Sink} keeps them. */
  bytesReceived = 0;

  /** Samples per channel that the server had received when it sent the last of these bytes: how far a listener got. */
  inputSamples = 0;
}

/** The stream ended before all bytes of the file were received, or they differ from those that the server sent. */
export class TruncatedStream extends AudioWriterError {
  override name = "TruncatedStream";
}

/** One invalid field of a request, from google.rpc.BadRequest. */
export interface Violation {
  /** Path of the field as in the proto, such as "config.output.sample_rate_hz". */
  field: string;
  /** What is wrong, and what would be accepted. */
  description: string;
}

/** What a status has beside its code and its text. */
export interface CallDetails {
  violations?: Violation[];
  reason?: string;
  metadata?: Record<string, string>;
  retryAfterMs?: number | undefined;
  cause?: unknown;
}

/** The call ended with a status other than OK. */
export class CallFailed extends AudioWriterError {
  override name = "CallFailed";

  /** gRPC's number of the status, as in `status` of @grpc/grpc-js, such as 14 for UNAVAILABLE. */
  readonly code: status;

  /** The text of the status. */
  readonly details: string;

  /** The server's reason in UPPER_SNAKE case, such as "DRAINING". "" if the error did not come from the service. */
  readonly reason: string;

  /** Belongs to `reason`, such as the limit that was exceeded and its value. */
  readonly metadata: Readonly<Record<string, string>>;

  /** The invalid fields of an INVALID_ARGUMENT. */
  readonly violations: readonly Violation[];

  /**
   * Time after which the call can be sent again, in ms: a server refused it without processing it. undefined: no server
   * said so.
   */
  readonly retryAfterMs: number | undefined;

  /** Why a stream that has lost its server was not sent again to another one. "" if that would have been of no use. */
  notResumed = "";

  constructor(code: status, details: string, more: CallDetails = {}) {
    const { violations = [], reason = "", metadata = {}, retryAfterMs, cause } = more;
    const what = violations.map(({ field, description }) => `${field}: ${description}`).join("; ") || details;
    const label = reason === "" || reason === status[code] ? status[code] : `${status[code]} (${reason})`;
    super(`${label}: ${what}`.replaceAll(/\s+/g, " ").trim(), cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
    this.violations = violations;
    this.reason = reason;
    this.metadata = metadata;
    this.retryAfterMs = retryAfterMs;
  }

  /** gRPC's name of the code, such as "UNAVAILABLE". */
  get codeName(): string {
    return status[this.code];
  }
}

/** DEADLINE_EXCEEDED: the call did not end within `timeoutMs`. */
export class DeadlineExceeded extends CallFailed {
  override name = "DeadlineExceeded";
}

/** INVALID_ARGUMENT: the config or the PCM is invalid; `violations` lists each field. Every server would refuse it. */
export class InvalidArgument extends CallFailed {
  override name = "InvalidArgument";
}

/** RESOURCE_EXHAUSTED: a limit of the server, named by `reason` and `metadata`, was reached. */
export class LimitExceeded extends CallFailed {
  override name = "LimitExceeded";
}

/** UNAVAILABLE: there is no server at the target, all of them are full or draining, or the connection broke. */
export class ServiceUnavailable extends CallFailed {
  override name = "ServiceUnavailable";
}

/** CANCELLED, usually by this client. If an AbortSignal did it, `cause` is the signal's reason. */
export class StreamCancelled extends CallFailed {
  override name = "StreamCancelled";
}

/** Return the error of a stream that its caller has ended. */
export function cancelled(cause?: unknown): StreamCancelled {
  return new StreamCancelled(status.CANCELLED, "the stream was cancelled", { cause });
}

const BY_CODE: Partial<Record<status, typeof CallFailed>> = {
  [status.DEADLINE_EXCEEDED]: DeadlineExceeded,
  [status.INVALID_ARGUMENT]: InvalidArgument,
  [status.RESOURCE_EXHAUSTED]: LimitExceeded,
  [status.UNAVAILABLE]: ServiceUnavailable,
  [status.CANCELLED]: StreamCancelled,
};

/** Return the error of a failed call. */
export function callFailed(error: ServiceError): CallFailed {
  return new (BY_CODE[error.code] ?? CallFailed)(error.code, error.details, detailsOf(error));
}

function detailsOf(error: ServiceError): CallDetails {
  const found: CallDetails = {};
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  if (!(bytes instanceof Uint8Array)) return found;
  try {
    for (const { typeUrl, value } of Status.decode(bytes).details) {
      switch (typeUrl.slice(typeUrl.lastIndexOf("/") + 1)) {
        case "google.rpc.ErrorInfo":
          ({ reason: found.reason, metadata: found.metadata } = ErrorInfo.decode(value));
          break;
        case "google.rpc.BadRequest":
          found.violations = BadRequest.decode(value).fieldViolations.map(({ field, description }) => ({
            field,
            description,
          }));
          break;
        case "google.rpc.RetryInfo": {
          const { seconds = 0, nanos = 0 } = RetryInfo.decode(value).retryDelay ?? {};
          found.retryAfterMs = seconds * 1000 + nanos / 1e6;
        }
      }
    }
  } catch {
    // Details that a proxy has damaged must not hide the status itself.
  }
  return found;
}

/** Maximum number of characters of a caller's value in an error. */
const MAX_QUOTE = 64;

/** Return a value as text for an error, shortened if it is long. */
export function quoted(value: unknown): string {
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length <= MAX_QUOTE ? text : `${text.slice(0, MAX_QUOTE - 1)}…`;
}

/** Return the type of a value for an error. */
export function typeName(value: unknown): string {
  if (value === null || typeof value !== "object") return value === null ? "null" : typeof value;
  return value.constructor.name;
}
