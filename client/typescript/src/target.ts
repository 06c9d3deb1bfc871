import { experimental, type ChannelOptions } from "@grpc/grpc-js";
import { isIPv6 } from "node:net";

/** The server's default port. gRPC's own default is 443. */
const DEFAULT_PORT = 50051;

const LIST = "audiowriter-list";
const SCHEME = /^(dns:(?:\/\/[^/]*\/)?|ipv4:|ipv6:|unix:|unix-abstract:|xds:)/;
const HOST = /^(?:[^:/[\]]+|\[[^[\]/]+\])$/;
const HOST_AND_PORT = /^(?:[^:/[\]\s]+|\[[^[\]/\s]+\]):\d{1,5}$/;

/** How gRPC reaches the servers of a target. */
export interface Address {
  target: string;
  options: ChannelOptions;
}

/**
 * Return gRPC's target for "host:port", "host" (port 50051), several servers as "host:port,host:port", or a name of gRPC.
 *
 * Throws RangeError for a server in a list that is not host:port.
 */
export function addressOf(target: string): Address {
  const servers = target.split(",");
  if (servers.length > 1 && !SCHEME.test(target)) {
    const list = servers.map(withDefaultPort);
    for (const server of list) {
      if (!HOST_AND_PORT.test(server)) throw new RangeError(`"${server}" in a list of servers: expected host:port`);
    }
    // gRPC would ask a proxy for a list as if it were the name of one server.
    return { target: `${LIST}:${list.join(",")}`, options: { "grpc.enable_http_proxy": 0 } };
  }
  const address = withDefaultPort(target);
  return { target: address, options: isLoopback(address) ? { "grpc.enable_http_proxy": 0 } : {} };
}

/** "host" -> "host:50051", "::1" -> "[::1]:50051", "dns:///host" -> "dns:///host:50051". */
function withDefaultPort(target: string): string {
  const scheme = /^dns:(?:\/\/[^/]*\/)?/.exec(target)?.[0] ?? "";
  const rest = target.slice(scheme.length);
  const host = isIPv6(rest) ? `[${rest}]` : rest;
  return HOST.test(host) ? `${scheme}${host}:${String(DEFAULT_PORT)}` : target;
}

/** Whether no proxy can connect to a target, because it is this host. gRPC itself has no such exception. */
function isLoopback(address: string): boolean {
  const host = address
    .replace(SCHEME, "")
    .replace(/:\d+$/, "")
    .replace(/^\[|\]$/g, "");
  // RFC 6761, section 6.3
  return /^(?:(?:.*\.)?localhost\.?|127\.[\d.]+|::1)$/i.test(host);
}

type Endpoints = Parameters<experimental.ResolverListener>[0];

/** Resolves a list of servers: each of them is a name with any number of addresses. */
class ListResolver implements experimental.Resolver {
  readonly #children: experimental.Resolver[];
  readonly #found: (Endpoints | undefined)[];

  constructor(
    target: experimental.GrpcUri,
    private readonly listener: experimental.ResolverListener,
    options: ChannelOptions,
  ) {
    const servers = target.path.split(",");
    this.#found = servers.map(() => undefined);
    this.#children = servers.map((server, index) => {
      const child: experimental.ResolverListener = (endpoints) => {
        this.#found[index] = endpoints;
        return this.#report();
      };
      return experimental.createResolver({ scheme: "dns", path: server }, child, options);
    });
  }

  /** Report what was found when every name has an answer. A name without an address is like a server that does not respond. */
  #report(): boolean {
    if (this.#found.includes(undefined)) return true;
    const all = this.#found.flatMap((found) => (found?.ok === true ? found.value : []));
    const error = this.#found.find((found) => found?.ok === false);
    const list = all.length > 0 || error === undefined ? experimental.statusOrFromValue(all) : error;
    return this.listener(list, {}, null, "");
  }

  updateResolution(): void {
    for (const child of this.#children) child.updateResolution();
  }

  destroy(): void {
    for (const child of this.#children) child.destroy();
    this.#found.fill(undefined);
  }

  /** gRPC has one authority per channel: all servers of a list are addressed and verified as the first one. */
  static getDefaultAuthority(target: experimental.GrpcUri): string {
    return target.path.split(",")[0] ?? target.path;
  }
}

experimental.registerResolver(LIST, ListResolver);
