import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after } from "node:test";
import { AudioWriterClient } from "../../src/index.js";

const ROOT = new URL("../../../../../", import.meta.url).pathname; // of the repository, from build/test/support

/** A real server in its own process: the command in AUDIOWRITER_SERVER, or the server of the repository's .venv. */
export class Server {
  private constructor(
    /** Its address, host:port. */
    readonly target: string,
    private readonly process: ChildProcess,
  ) {}

  /** Start a server, and wait until it listens. `port` 0: any free one. */
  static async start(port = 0, ...flags: string[]): Promise<Server> {
    const given = process.env["AUDIOWRITER_SERVER"]?.split(" ") ?? [
      `${ROOT}.venv/bin/python`,
      "-m",
      "audiowriter_server",
    ];
    const [program = "", ...rest] = [
      ...given,
      "--host=127.0.0.1",
      `--port=${String(port)}`,
      "--log-format=json",
      ...flags,
    ];
    const child = spawn(program, rest, { stdio: ["ignore", "ignore", "pipe"] });
    for await (const line of createInterface({ input: child.stderr })) {
      const found = /listening on ([^" ]+)/.exec(line);
      if (found?.[1] === undefined) continue;
      child.stderr.resume();
      return new Server(found[1], child);
    }
    throw new Error(`${program} did not start`);
  }

  get port(): number {
    return Number(this.target.split(":").at(-1));
  }

  /** End the process like a crash. */
  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exit = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await exit;
  }
}

/** Start a server for all tests of a file, and return a client of it. Both end after the tests. */
export async function clientOfServer(): Promise<AudioWriterClient> {
  const server = await Server.start();
  const client = new AudioWriterClient(server.target);
  after(async () => {
    client.close();
    await server.kill();
  });
  return client;
}
