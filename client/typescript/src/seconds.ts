import type { Duration } from "./gen/google/protobuf/duration.js";

/** Return the seconds of a google.protobuf.Duration; 0 for none. */
export function seconds(duration: Duration | undefined): number {
  return duration === undefined ? 0 : duration.seconds + duration.nanos / 1e9;
}
