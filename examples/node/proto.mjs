// The service and its errors, from the proto files at run time; a static generator works as well.
import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const here = (path) => new URL(path, import.meta.url).pathname;
const options = {
  includeDirs: [here("../../proto"), here(".")],
  keepCase: true, // names as in the contract
  longs: Number, // sizes are below 2^53
};
export const load = (more) => loadSync(["audiowriter/v1/audio_writer.proto", "error_details.proto"], { ...options, ...more });
export const messages = load({ defaults: true }); // responses have every field: offset 0, an empty trailer
export const { AudioWriterService } = grpc.loadPackageDefinition(messages).audiowriter.v1;

// Returns reason, violations and, if a server refused the call, retryAfter in seconds.
export function detailsOf(error) {
  const found = { reason: "", violations: [] };
  const [status] = error.metadata?.get("grpc-status-details-bin") ?? [];
  for (const { type_url, value } of status ? messages["google.rpc.Status"].deserialize(status).details : []) {
    const name = type_url.slice(type_url.lastIndexOf("/") + 1);
    const detail = messages[name]?.deserialize(value) ?? {};
    if (name === "google.rpc.ErrorInfo") found.reason = detail.reason;
    if (name === "google.rpc.BadRequest") found.violations = detail.field_violations;
    if (name === "google.rpc.RetryInfo") {
      const { seconds, nanos } = detail.retry_delay ?? { seconds: 0, nanos: 0 };
      found.retryAfter = seconds + nanos / 1e9;
    }
  }
  return found;
}
