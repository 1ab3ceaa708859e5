// SPDX-License-Identifier: MIT OR Apache-2.0
// A folder of policies that outlive this process: a file per domain, which a person can read.

import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import { MtastsError } from "../errors.js";
import { type Store, supersedes, uselessAfter } from "../store.js";

/** A {@link Store} of files. */
export interface DirectoryStore extends Store {
  /** Removes what says nothing any more; gives how many files that were. */
  prune(now?: number): Promise<number>;
}

/**
 * A store in the folder `path`, which is made if it is not there. Several processes may share it.
 * Whoever can write there can forge policies.
 */
export function directoryStore(path: string): DirectoryStore {
  return {
    load: (domain) => read(join(path, domain)),
    async save(domain, stored) {
      const file = join(path, domain); // a Policy Domain is a file's name, and of no hidden file
      const there = await read(file);
      if (there === undefined || supersedes(stored, there)) await replace(path, file, stored);
    },
    async prune(now = Date.now()) {
      const names = await readdir(path).catch(absent);
      const files = (names ?? []).filter((name) => !name.startsWith(".")).map((name) => join(path, name));
      let removed = 0; // one after the other: each open file is a descriptor
      for (const file of files) if (await removeIfUseless(file, now)) removed += 1;
      return removed;
    },
  };
}

/** Others, and whoever comes after a crash, see the old text or the new one. */
async function replace(path: string, file: string, text: string): Promise<void> {
  const fresh = join(path, `.${randomUUID()}`);
  await mkdir(path, { recursive: true });
  try {
    await write(fresh, text);
    await rename(fresh, file);
  } catch (error) {
    await unlink(fresh).catch(() => {});
    throw error;
  }
}

/** Makes a file, and has it on the disk. */
async function write(file: string, text: string): Promise<void> {
  const handle = await open(file, "wx");
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function read(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").catch(absent);
}

async function removeIfUseless(file: string, now: number): Promise<boolean> {
  const stored = await read(file);
  if (stored === undefined || !isUseless(stored, now)) return false;
  await unlink(file).catch(absent);
  return true;
}

/** What cannot be read stays: a person is to see it. */
function isUseless(stored: string, now: number): boolean {
  try {
    return uselessAfter(stored).getTime() < now;
  } catch (error) {
    if (error instanceof MtastsError) return false;
    throw error;
  }
}

/** Nothing, where a file is not there; everything else is an error. */
function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
  return undefined;
}
