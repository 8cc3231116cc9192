/** What an add takes in: entries with their paths checked, counts, and what failed. */
import type { CID } from 'multiformats/cid'
import type { ImportCandidate } from 'ipfs-unixfs-importer'
import { abortable } from './abortable.ts'
import { parseFilePath } from './content-path.ts'
import { IpfsError } from './errors.ts'
import type { AddEntry, AddOptions, AddSummary, FailedItem } from './ipfs.ts'

/** A folder without entries. */
export interface EmptyFolder {
  readonly cid: CID
  readonly block: Uint8Array
}

/** Takes entries in: checks their paths, counts them, and turns what cannot be read into failed items. */
export class Intake {
  readonly #entries: Iterable<AddEntry> | AsyncIterable<AddEntry>
  readonly #signal: AbortSignal
  readonly #onProgress: AddOptions['onProgress']
  readonly #seen = new Map<string, 'file' | 'folder'>()
  readonly #bytesBelow = new Map<string, number>()
  readonly #tops = new Set<string>()
  readonly #emptyFolders = new Map<string, EmptyFolder>()
  readonly #counted = new Set<string>()
  #failures: FailedItem[] = []
  #bytesTaken = 0
  added = 0
  failed = 0
  #bytesAdded = 0

  constructor(
    entries: Iterable<AddEntry> | AsyncIterable<AddEntry>,
    signal: AbortSignal,
    onProgress: AddOptions['onProgress'],
  ) {
    this.#entries = entries
    this.#signal = signal
    this.#onProgress = onProgress
  }

  /** Number of top-level names that were added. */
  get topLevel(): number {
    return this.#tops.size
  }

  async *candidates(): AsyncGenerator<ImportCandidate, void, undefined> {
    for await (const entry of abortable(this.#entries, this.#signal)) {
      if (entry.failed !== undefined) {
        this.fail(entry.path, entry.failed)
        continue
      }
      // A folder that is known by its entries already has nothing to add.
      if (entry.content === undefined && this.#seen.get(entry.path) === 'folder') continue
      const problem = this.#admit(entry)
      if (problem !== undefined) {
        this.fail(entry.path, problem)
        continue
      }
      const { path, content } = entry
      if (content === undefined) yield { path }
      else if (content instanceof Uint8Array) {
        this.#taken(content.byteLength)
        yield { path, content }
      } else yield { path, content: this.#read(path, content) }
    }
  }

  /** Notes that something was stored under a path. */
  count(path: string, bytes: number): void {
    this.added += 1
    if (this.#emptyFolders.has(path)) this.#counted.add(path)
    this.#bytesAdded += bytes
    this.#tops.add(path.split('/', 1)[0] ?? path)
    if (bytes === 0) return
    for (let at = path.lastIndexOf('/'); ; at = path.lastIndexOf('/', at - 1)) {
      const folder = at === -1 ? '' : path.slice(0, at)
      this.#bytesBelow.set(folder, (this.#bytesBelow.get(folder) ?? 0) + bytes)
      if (at === -1) return
    }
  }

  noteEmptyFolder(path: string, folder: EmptyFolder): void {
    this.#emptyFolders.set(path, folder)
  }

  /** The folders that were given and got no entry, each counted now. */
  *emptyFolders(): Generator<readonly [path: string, folder: EmptyFolder], void, undefined> {
    for (const [path, folder] of this.#emptyFolders) {
      if (this.#counted.has(path)) continue
      this.count(path, 0)
      yield [path, folder]
    }
  }

  bytesBelow(folder: string): number {
    return this.#bytesBelow.get(folder) ?? 0
  }

  /** Notes a failed item. */
  fail(path: string, { code, message }: FailedItem['failed']): void {
    this.failed += 1
    this.#failures.push({ path, failed: { code, message } })
  }

  takeFailures(): readonly FailedItem[] {
    const failures = this.#failures
    this.#failures = []
    return failures
  }

  summary(cid: CID | undefined): AddSummary {
    return {
      ...(cid === undefined ? {} : { cid }),
      bytes: this.#bytesAdded,
      items: this.added,
      failed: this.failed,
    }
  }

  /** Why an entry cannot be taken: its path is malformed, taken already, or below a file. */
  #admit(entry: AddEntry): IpfsError | undefined {
    let names: readonly string[]
    try {
      names = parseFilePath(entry.path)
    } catch (error) {
      if (error instanceof IpfsError) return error
      throw error
    }
    const kind = entry.content === undefined ? 'folder' : 'file'
    if (this.#seen.has(entry.path)) {
      return new IpfsError('IPFS_INVALID_PATH', `${JSON.stringify(entry.path)} was given twice`)
    }
    let parent = ''
    for (const name of names.slice(0, -1)) {
      parent = parent === '' ? name : `${parent}/${name}`
      if (this.#seen.get(parent) === 'file') {
        return new IpfsError(
          'IPFS_INVALID_PATH',
          `${JSON.stringify(entry.path)} lies below the file ${JSON.stringify(parent)}`,
        )
      }
      this.#seen.set(parent, 'folder')
    }
    this.#seen.set(entry.path, kind)
    return undefined
  }

  /** The content of a file, with its progress. */
  async *#read(path: string, content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of abortable(content, this.#signal)) {
      if (!(chunk instanceof Uint8Array))
        throw new TypeError(`The content of ${JSON.stringify(path)} is not made of bytes`)
      this.#taken(chunk.byteLength)
      if (chunk.byteLength > 0) yield chunk
    }
  }

  #taken(bytes: number): void {
    this.#bytesTaken += bytes
    this.#onProgress?.({ bytes: this.#bytesTaken, items: this.added })
  }
}
