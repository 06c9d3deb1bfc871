import type { FileHandle } from "node:fs/promises";
import type { Sink } from "./sink.js";

/** Writes to an open file. The header is replaced if the file can seek. */
export class FileSink implements Sink {
  #position = 0;

  protected constructor(
    protected readonly file: FileHandle,
    /** Whether the header can be replaced at the end. */
    readonly canSeek: boolean,
  ) {}

  static async open(file: FileHandle): Promise<FileSink> {
    return new FileSink(file, (await file.stat()).isFile());
  }

  async write(data: Uint8Array): Promise<void> {
    await this.#writeAt(data, this.#position);
    this.#position += data.length;
  }

  async #writeAt(data: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < data.length;) {
      const where = this.canSeek ? position + done : null;
      const { bytesWritten } = await this.file.write(data, done, data.length - done, where);
      done += bytesWritten;
    }
  }

  /** Remove what was written, so that the file can be written again. Returns false if that is not possible. */
  async restart(): Promise<boolean> {
    if (!this.canSeek) return false;
    if ((await this.file.stat()).size > this.#position) return false; // other bytes follow
    await this.file.truncate(0);
    this.#position = 0;
    return true;
  }

  /** Replace the header. */
  async finish(header: Uint8Array): Promise<void> {
    if (this.canSeek) await this.#writeAt(header, 0);
  }

  /** Do nothing: the file is the caller's. */
  async discard(): Promise<void> {
    // Subclasses close the file.
  }
}
