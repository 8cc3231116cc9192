/** What an add takes in: entries with their paths checked, counts, and what failed. */
import type { CID } from 'multiformats/cid'
import { abortable } from './abortable.ts'
import { parseFilePath } from './content-path.ts'
import { IpfsError } from './errors.ts'
import type { Folder, FolderTree, Place } from './folder-tree.ts'
import type { AddEntry, AddOptions, AddSummary, FailedItem } from './ipfs.ts'

/** A file that has a place. */
export interface AdmittedFile {
  readonly path: string
  readonly place: Place
  readonly content: Uint8Array | AsyncIterable<Uint8Array>
}

/** An entry that has a place. */
export type Admitted = AdmittedFile | { readonly folder: Folder }

/** Takes entries in: gives them their places, counts them, and turns what cannot be read into failed items. */
export class Intake {
  readonly #entries: Iterable<AddEntry> | AsyncIterable<AddEntry>
  readonly #tree: FolderTree
  readonly #signal: AbortSignal
  readonly #onProgress: AddOptions['onProgress']
  #failures: FailedItem[] = []
  #bytesTaken = 0
  #bytesAdded = 0
  added = 0
  failed = 0

  constructor(
    entries: Iterable<AddEntry> | AsyncIterable<AddEntry>,
    tree: FolderTree,
    signal: AbortSignal,
    onProgress: AddOptions['onProgress'],
  ) {
    this.#entries = entries
    this.#tree = tree
    this.#signal = signal
    this.#onProgress = onProgress
  }

  async *admitted(): AsyncGenerator<Admitted, void, undefined> {
    for await (const entry of abortable(this.#entries, this.#signal)) {
      if (entry.failed !== undefined) {
        this.fail(entry.path, entry.failed)
        continue
      }
      const admitted = this.#admit(entry)
      if (admitted instanceof IpfsError) this.fail(entry.path, admitted)
      else yield admitted
    }
  }

  /** Notes that something was stored. */
  count(bytes: number): void {
    this.added += 1
    this.#bytesAdded += bytes
    this.#tell()
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

  /** The place of an entry, or why there is none: its path is malformed, taken already, or below a file. */
  #admit(entry: AddEntry): Admitted | IpfsError {
    const { path, content } = entry
    const names = namesOf(path)
    if (names instanceof IpfsError) return names
    const place = content === undefined ? this.#tree.placeFolder(names) : this.#tree.placeFile(names)
    if ('obstacle' in place) return misplaced(path, place.obstacle)
    if (!('folder' in place)) return { folder: place }
    if (!(content instanceof Uint8Array)) return { path, place, content: this.#read(path, content!) }
    this.#taken(content.byteLength)
    return { path, place, content }
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
    this.#tell()
  }

  #tell(): void {
    this.#onProgress?.({ bytes: this.#bytesTaken, items: this.added })
  }
}

function namesOf(path: string): readonly string[] | IpfsError {
  try {
    return parseFilePath(path)
  } catch (error) {
    if (error instanceof IpfsError) return error
    throw error
  }
}

function misplaced(path: string, obstacle: string): IpfsError {
  return new IpfsError(
    'IPFS_INVALID_PATH',
    obstacle === path
      ? `${JSON.stringify(path)} was given twice`
      : `${JSON.stringify(path)} lies below the file ${JSON.stringify(obstacle)}`,
  )
}
