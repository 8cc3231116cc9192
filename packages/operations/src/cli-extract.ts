/** Unpacks a tar archive with one file or folder at its top, and lets nothing out of its place. */
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Extract, extract } from 'tar-stream'
import { CommandError, outputFault } from './cli-errors.ts'
import {
  type ExtractFailureCode,
  type Item,
  ItemRefused,
  namesOf,
  type Place,
  writeItem,
} from './cli-extract-item.ts'
import { lstatIfPresent, partialPath } from './cli-save.ts'
import { isFault } from './errors.ts'

/** An item that was left out. */
export interface ExtractFailure {
  readonly path: string
  readonly failed: { readonly code: ExtractFailureCode; readonly message: string }
}

/** What {@link extractArchive} has done. */
export interface Extracted {
  /** Where the file or folder at the top of the archive is now; `undefined` when every item was left out. */
  readonly output: string | undefined
  readonly bytes: number
  readonly items: number
  readonly failed: number
}

/** Options of {@link extractArchive}. */
export interface ExtractOptions {
  /** Absolute path that the top of the archive gets. Default: its own name in `cwd`. */
  readonly output: string | undefined
  readonly cwd: string
  /** Replaces a file that is there, and fills a folder that is there. */
  readonly force: boolean
  readonly signal: AbortSignal
  /** Hears of each item that is left out. */
  readonly onFailure: (failure: ExtractFailure) => Promise<void>
}

/**
 * Unpacks an archive. Unless the target is there already, everything is written beside it under a temporary name and
 * renamed at the end, so that it appears whole. With `force` a folder that is there is filled, each file appearing whole.
 * Permissions and times of the archive are not taken over.
 *
 * @throws CommandError `COMMAND_OUTPUT_EXISTS` for a target that is there, without `force`; `COMMAND_OUTPUT_…` for what the
 * system refuses; `COMMAND_ARCHIVE_INVALID`; and what the archive throws
 */
export async function extractArchive(
  archive: AsyncIterable<Uint8Array>,
  options: ExtractOptions,
): Promise<Extracted> {
  const tar = extract()
  const unpacking = new Unpacking(options)
  // A failure of one side destroys the stream, and the other side ends with it.
  const results = await Promise.allSettled([
    unpacking.take(tar),
    pipeline(untilEnd(archive), tar, { signal: options.signal }),
  ])
  const failure = results.find((result) => result.status === 'rejected')
  if (failure === undefined) return unpacking.finish()
  await unpacking.discard()
  options.signal.throwIfAborted()
  throw isFault(failure.reason) ? failure.reason : invalid(failure.reason)
}

/** One archive on its way to the disk. */
class Unpacking {
  readonly #options: ExtractOptions
  #place: Place | undefined
  #bytes = 0
  #items = 0
  #failed = 0

  constructor(options: ExtractOptions) {
    this.#options = options
  }

  async take(tar: Extract): Promise<void> {
    for await (const entry of tar) {
      const { name } = entry.header
      try {
        const names = namesOf(name)
        this.#place ??= await this.#choosePlace(names[0] as string)
        await writeItem(this.#place, names, entry as unknown as Item, this.#options.signal)
        this.#items += 1
        this.#bytes += entry.header.type === 'file' ? (entry.header.size ?? 0) : 0
      } catch (error) {
        if (!(error instanceof ItemRefused)) throw outputFault(error, this.#place?.target ?? name)
        this.#failed += 1
        await this.#options.onFailure({ path: name, failed: { code: error.code, message: error.message } })
        entry.resume()
      }
    }
    if (this.#items + this.#failed === 0) throw invalid('it is empty')
  }

  /** Gives what was unpacked its name. */
  async finish(): Promise<Extracted> {
    const counts = { bytes: this.#bytes, items: this.#items, failed: this.#failed }
    const place = this.#place
    if (place === undefined || this.#items === 0) {
      await this.discard()
      return { output: undefined, ...counts }
    }
    try {
      if (place.isNew) {
        await this.#checkFree(place.target)
        await rename(place.base, place.target)
      }
      return { output: place.target, ...counts }
    } catch (error) {
      await this.discard()
      throw outputFault(error, place.target)
    }
  }

  async discard(): Promise<void> {
    if (this.#place?.isNew) await rm(this.#place.base, { recursive: true, force: true })
  }

  async #choosePlace(top: string): Promise<Place> {
    const target = this.#options.output ?? join(this.#options.cwd, top)
    const isNew = await this.#checkFree(target)
    return { top, target, base: isNew ? partialPath(target) : target, isNew, folder: undefined }
  }

  async #checkFree(target: string): Promise<boolean> {
    if ((await lstatIfPresent(target)) === undefined) return true
    if (!this.#options.force) throw new CommandError('COMMAND_OUTPUT_EXISTS', `${target} exists already`)
    return false
  }
}

/** A tar archive ends with two blocks of zeros; without them it was cut off between two items. */
async function* untilEnd(archive: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let tail = Buffer.alloc(0)
  for await (const piece of archive) {
    tail = Buffer.concat([tail, piece.subarray(-endBytes)]).subarray(-endBytes)
    yield piece
  }
  if (tail.length < endBytes || tail.some((byte) => byte !== 0)) throw invalid('it is cut off')
}

const endBytes = 1_024

function invalid(reason: unknown): CommandError {
  const why = reason instanceof Error ? reason.message : String(reason)
  return new CommandError('COMMAND_ARCHIVE_INVALID', `The archive cannot be unpacked: ${why}`, {
    cause: reason,
  })
}
