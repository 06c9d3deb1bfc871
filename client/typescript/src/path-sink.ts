import { randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { open, readlink, realpath, rename, stat, unlink, type FileHandle } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { FileSink } from "./file-sink.js";
import type { Sink } from "./sink.js";

/** Open the sink for a path. Rejects with the system's error, which has the path as it was given. */
export async function openPath(given: string): Promise<Sink> {
  return named(given, async () => {
    const old = await statIfThere(given);
    if (old !== undefined && !old.isFile()) {
      // A device or a named pipe. A folder cannot be opened for writing.
      return new DeviceSink(await open(given, constants.O_WRONLY));
    }
    const path = await followLinks(given);
    // In the same folder, because a rename works only within one file system. The name is short, so that it is valid beside
    // every valid name.
    const temporary = join(dirname(path), `.audiowriter-${randomBytes(8).toString("hex")}.part`);
    // Created with few permissions, because the old file may be private.
    const file = await open(temporary, "wx", old === undefined ? 0o666 : 0o600);
    if (old !== undefined) await file.chmod(old.mode & 0o777).catch(ignore); // some file systems have no permissions
    return new PathSink(file, temporary, path, given);
  });
}

async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Return the path that a chain of symbolic links leads to. Nothing has to be there. */
async function followLinks(path: string): Promise<string> {
  const folder = await realpath(dirname(path));
  const here = join(folder, basename(path));
  const link = await readlink(here).catch(ignore);
  return link === undefined ? here : followLinks(resolve(folder, link));
}

function ignore(): undefined {
  return undefined;
}

/** Put the path that the caller gave into an error of the system, instead of a temporary one. */
async function named<T>(given: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof Error && "syscall" in error) {
      const { code = "", path, dest } = error as NodeJS.ErrnoException & { dest?: string };
      const text = error.message.slice(code.length + 2).split(",")[0] ?? "";
      error.message = `${code}: ${text}, ${String(error.syscall)} '${given}'`;
      if (path !== undefined) Object.assign(error, { path: given });
      if (dest !== undefined) delete (error as { dest?: string }).dest;
    }
    throw error;
  }
}

/** A device or a named pipe, which is closed at the end. */
class DeviceSink extends FileSink {
  constructor(file: FileHandle) {
    super(file, false);
  }

  override async finish(header: Uint8Array): Promise<void> {
    await super.finish(header);
    await this.file.close();
  }

  override async discard(): Promise<void> {
    await this.file.close();
  }
}

/** Creates or replaces a file when it is complete. Until then it has a hidden name in the same folder. */
class PathSink extends FileSink {
  constructor(
    file: FileHandle,
    private readonly temporary: string,
    private readonly path: string,
    private readonly given: string,
  ) {
    super(file, true);
  }

  override async write(data: Uint8Array): Promise<void> {
    await named(this.given, () => super.write(data));
  }

  /** Complete the file and rename it. Afterwards file and name survive a power failure. */
  override async finish(header: Uint8Array): Promise<void> {
    await named(this.given, async () => {
      await super.finish(header);
      await this.file.sync(); // before the rename, or the name could survive without the content
      await this.file.close();
      await rename(this.temporary, this.path);
    });
    await syncFolder(dirname(this.path));
  }

  override async discard(): Promise<void> {
    await this.file.close().catch(ignore);
    await unlink(this.temporary);
  }
}

/** Not every system can sync folders, and the file is complete in any case. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r").catch(ignore);
  await folder?.sync().catch(ignore);
  await folder?.close().catch(ignore);
}
