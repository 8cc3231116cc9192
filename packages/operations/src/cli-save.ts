/** Writes a file so that it is there whole or not at all. */
import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { lstat, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { CommandError, isSystemError, outputFault } from './cli-errors.ts'

/** Options of {@link saveFile}. */
export interface SaveOptions {
  /** Replaces a file that is there. */
  readonly force: boolean
  readonly signal: AbortSignal
}

/**
 * Writes bytes to a temporary file beside the path and renames it at the end. A device or a pipe is written into.
 *
 * @throws CommandError `COMMAND_OUTPUT_EXISTS` for a folder, and for a file without `force`; `COMMAND_OUTPUT_…` for what
 * the system refuses
 */
export async function saveFile(
  path: string,
  body: AsyncIterable<Uint8Array>,
  { force, signal }: SaveOptions,
): Promise<void> {
  try {
    const present = await statIfPresent(path)
    if (present !== undefined && !present.isFile() && !present.isDirectory()) {
      await writeFile(path, body, { signal })
      return
    }
    checkFree(path, present, force)
    await writeBeside(present === undefined ? path : await realpath(path), body, {
      signal,
      ready: async () => checkFree(path, await statIfPresent(path), force),
    })
  } catch (error) {
    throw outputFault(error, path)
  }
}

/** @throws CommandError `COMMAND_OUTPUT_EXISTS` when a file cannot be written here */
export function checkFree(path: string, present: Stats | undefined, force: boolean): void {
  if (present?.isDirectory()) throw new CommandError('COMMAND_OUTPUT_EXISTS', `${path} is a folder`)
  if (present?.isFile() && !force) throw new CommandError('COMMAND_OUTPUT_EXISTS', `${path} exists already`)
}

/**
 * Writes a temporary file beside the path and renames it over whatever file is there once `ready` agrees.
 *
 * @throws what the system refuses, as `node:fs` says it
 */
export async function writeBeside(
  path: string,
  body: AsyncIterable<Uint8Array>,
  { signal, ready }: { readonly signal: AbortSignal; readonly ready?: () => Promise<void> },
): Promise<void> {
  const partial = partialPath(path)
  try {
    await writeFile(partial, body, { flag: 'wx', signal })
    await ready?.()
    await rename(partial, path)
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  }
}

/** A name beside a path that nothing has yet. */
export function partialPath(path: string): string {
  return join(dirname(path), `.${basename(path).slice(0, 60)}.${randomBytes(6).toString('hex')}.partial`)
}

/** What a path leads to; `undefined` when there is nothing. */
export function statIfPresent(path: string): Promise<Stats | undefined> {
  return ifPresent(() => stat(path))
}

/** What a path itself is, link or not; `undefined` when there is nothing. */
export function lstatIfPresent(path: string): Promise<Stats | undefined> {
  return ifPresent(() => lstat(path))
}

async function ifPresent(look: () => Promise<Stats>): Promise<Stats | undefined> {
  try {
    return await look()
  } catch (error) {
    if (isSystemError(error) && error.code === 'ENOENT') return undefined
    throw error
  }
}
