import type { FileHandle } from "node:fs/promises";
import type { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { typeName } from "./errors.js";
import { FileSink } from "./file-sink.js";
import { openPath } from "./path-sink.js";

/**
 * Receives the bytes of one file. The methods are called one at a time, each after the promise of the last one. The last call
 * is either `finish` or `discard`. What a method throws ends the stream, and is thrown by the writer.
 */
export interface Sink {
  /** Append `data`. */
  write(data: Uint8Array): void | Promise<void>;
  /** Complete the file: replace its first header.length bytes. All bytes have been received and verified. */
  finish(header: Uint8Array): void | Promise<void>;
  /** Discard the incomplete file. */
  discard(): void | Promise<void>;
}

/**
 * Where a file goes:
 *
 * - a path, or a `file:` URL: replaced at the end, when the file is complete. A symbolic link stays a link, and its target is
 *   replaced. A device or a named pipe is written directly.
 * - a FileHandle: written from its start, and left open. It must not be open for appending.
 * - a Writable, such as an HTTP response: gets the live bytes, and is left open.
 * - a function: gets the live bytes. While its promise is pending, no further response is read.
 * - a {@link Sink}.
 */
export type Destination = string | URL | FileHandle | Writable | ((data: Uint8Array) => unknown) | Sink;

/** Open the sink for a destination. Rejects with the system's error if a path cannot be written. */
export async function openSink(destination: Destination): Promise<Sink> {
  if (typeof destination === "string") return openPath(destination);
  if (destination instanceof URL) return openPath(fileURLToPath(destination));
  if (typeof destination === "function") return new FunctionSink(destination);
  if (isFileHandle(destination)) return FileSink.open(destination);
  if (isWritable(destination)) return new WritableSink(destination);
  if (isSink(destination)) return destination;
  const kinds = "a path, a URL, a FileHandle, a Writable, a function or a Sink";
  throw new TypeError(`sink: expected ${kinds}, not ${typeName(destination)}`);
}

/** Whether somebody may listen to the bytes as they arrive. Nobody listens to a file that gets its header at the end. */
export function isLive(sink: Sink): boolean {
  return !(sink instanceof FileSink && sink.canSeek);
}

// The class FileHandle is not exported, and an HTTP response is not a Writable.
function isFileHandle(destination: object): destination is FileHandle {
  return has(destination, "truncate") && has(destination, "stat") && "fd" in destination;
}

function isWritable(destination: object): destination is Writable {
  return has(destination, "write") && has(destination, "once");
}

function isSink(destination: object): destination is Sink {
  return has(destination, "write") && has(destination, "finish") && has(destination, "discard");
}

function has(destination: object, method: string): boolean {
  return typeof (destination as Record<string, unknown> | null)?.[method] === "function";
}

/** Passes live bytes to a function. They play without the final header, which the function never receives. */
class FunctionSink implements Sink {
  constructor(private readonly receive: (data: Uint8Array) => unknown) {}

  async write(data: Uint8Array): Promise<void> {
    await this.receive(data);
  }

  finish(): void {
    // The live header remains.
  }

  discard(): void {
    // The bytes were passed on already.
  }
}

/** Passes live bytes to a Writable, and waits until it has processed them. */
class WritableSink implements Sink {
  readonly #stream: Writable;
  #error: Error | undefined;
  readonly #onError = (error: Error): void => {
    this.#error = error;
  };

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on("error", this.#onError);
  }

  write(data: Uint8Array): Promise<void> {
    const stream = this.#stream;
    return new Promise((resolve, reject) => {
      const done = (error?: Error | null): void => {
        stream.off("error", done);
        stream.off("close", onClose);
        if (error) reject(error);
        else resolve();
      };
      // A response whose client has left is closed without an error, and may forget its callbacks.
      const onClose = (): void =>
        done(this.#error ?? new Error("the destination was closed before the end of the file"));
      if (this.#error !== undefined || stream.destroyed) return onClose();
      stream.once("error", done);
      stream.once("close", onClose);
      stream.write(data, done);
    });
  }

  finish(): void {
    this.#stream.off("error", this.#onError);
  }

  discard(): void {
    this.#stream.off("error", this.#onError);
  }
}
