/** Adds files and folders: chunk, hash and store them under a lease, pin the root, answer. */
import { code as dagPbCode, encode } from '@ipld/dag-pb'
import { UnixFS } from 'ipfs-unixfs'
import { importer, type ImportCandidate, type ImporterOptions } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { balanced, type FileLayout } from 'ipfs-unixfs-importer/layout'
import { EntryReadError } from '@ipfs-kit/operations'
import { CID } from 'multiformats/cid'
import type { Calls } from './calls.ts'
import { hashBlock } from './codecs.ts'
import { parseFilePath } from './content-path.ts'
import { IpfsError } from './errors.ts'
import type { AddedItem, AddEntry, AddOptions, AddSummary, CidProfile, FailedItem, Files } from './ipfs.ts'
import type { PinRecords } from './pins.ts'
import { checkMetadata } from './pins.ts'
import type { Lease, Retention } from './retention.ts'

type DirBuilder = NonNullable<ImporterOptions['dirBuilder']>

/** What the profiles say beyond the importer's own `profile` option, which does not reach a layout that is given. */
const profiles: Readonly<Record<CidProfile, { readonly maxLinks: number; readonly chunkBytes: number }>> = {
  'unixfs-v1-2025': { maxLinks: 1024, chunkBytes: 1_048_576 },
  'unixfs-v0-2015': { maxLinks: 174, chunkBytes: 262_144 },
}

const filesAtOnce = 32
const blocksAtOnce = 8

/** Makes {@link Files.add}. */
export function createAdd(parts: {
  readonly records: PinRecords
  readonly retention: Retention
  readonly calls: Calls
}): Files['add'] {
  const { records, retention, calls } = parts
  return (entries, options = {}) => {
    const { profile = 'unixfs-v1-2025', chunkBytes = profiles[profile].chunkBytes } = options
    if (!Number.isSafeInteger(chunkBytes) || chunkBytes < 1 || chunkBytes > 1_048_576) {
      throw new RangeError(`chunkBytes is a whole number from 1 to 1,048,576, not ${chunkBytes}`)
    }
    const name = options.name
    if (name !== undefined && name.length > 255) throw new RangeError('The name of a pin has at most 255 characters')
    const metadata = checkMetadata(name === undefined ? {} : { name })

    return calls.stream(options, async function* (signal) {
      const lease = retention.lease()
      try {
        const intake = new Intake(entries, signal, options.onProgress)
        let root: CID | undefined
        for await (const item of importAll(intake, lease, { profile, chunkBytes, wrap: options.wrap ?? false, signal })) {
          yield* intake.takeFailures()
          root = item.cid
          if (item.listed) yield { path: item.path, cid: item.cid, bytes: item.bytes }
        }
        yield* intake.takeFailures()
        signal.throwIfAborted()
        if (intake.added === 0 && intake.failed === 0) throw new IpfsError('IPFS_NOTHING_ADDED', 'There was nothing to add')
        if (root !== undefined && (options.pin ?? true)) records.record(root, Number.POSITIVE_INFINITY, metadata)
        lease.release()
        yield intake.summary(root)
      } finally {
        await lease.abandon()
      }
    })
  }
}

interface EmptyFolder {
  readonly cid: CID
  readonly block: Uint8Array
}

interface ImportedItem extends AddedItem {
  /** Whether it is an answer of its own, or only the wrapping folder that nobody asked for. */
  readonly listed: boolean
}

/** Runs the importer; the last item is the root. */
async function* importAll(
  intake: Intake,
  lease: Lease,
  options: { readonly profile: CidProfile; readonly chunkBytes: number; readonly wrap: boolean; readonly signal: AbortSignal },
): AsyncGenerator<ImportedItem, void, undefined> {
  const store = {
    put: async (cid: CID, bytes: Uint8Array) => {
      options.signal.throwIfAborted()
      await lease.put(cid, bytes)
      return cid
    },
  }
  // A fresh options object each time: the importer writes into it.
  const imported = importer(intake.candidates(), store as never, {
    profile: options.profile,
    wrapWithDirectory: true,
    layout: skippingFailed(balanced({ maxChildrenPerNode: profiles[options.profile].maxLinks }), intake),
    chunker: fixedSize({ chunkSize: options.chunkBytes }),
    dirBuilder: emptyFolderBuilder(options.profile, intake),
    fileImportConcurrency: filesAtOnce,
    blockWriteConcurrency: blocksAtOnce,
  })
  let top: ImportedItem | undefined
  for await (const entry of imported) {
    const path = entry.path ?? ''
    const isFolder = entry.unixfs?.isDirectory() === true
    const bytes = isFolder ? intake.bytesBelow(path) : Number(entry.unixfs?.fileSize() ?? entry.size)
    if (path !== '') {
      intake.count(path, isFolder ? 0 : bytes)
      const item = { path, cid: entry.cid, bytes, listed: true }
      if (!path.includes('/')) top = item
      yield item
      continue
    }
    for (const [folder, { cid, block }] of intake.emptyFolders()) {
      await lease.put(cid, block)
      const item = { path: folder, cid, bytes: 0, listed: true }
      if (!folder.includes('/')) top = item
      yield item
    }
    // The importer always wraps; with a single top-level name that is what was asked for, unless the caller wants more.
    if (intake.topLevel === 0) await lease.drop(entry.cid)
    else if (intake.topLevel > 1 || options.wrap) yield { path, cid: entry.cid, bytes, listed: true }
    else {
      await lease.drop(entry.cid)
      if (top !== undefined) yield { ...top, listed: false }
    }
  }
}

/**
 * Notes a folder that was given. Nothing is stored for it yet: it may still get entries, and the importer yields only
 * folders that have some.
 */
function emptyFolderBuilder(profile: CidProfile, intake: Intake): DirBuilder {
  return async (folder) => {
    const unixfs = new UnixFS({ type: 'directory' })
    const block = encode({ Data: unixfs.marshal(), Links: [] })
    const cid = CID.create(profile === 'unixfs-v0-2015' ? 0 : 1, dagPbCode, await hashBlock(block))
    const path = folder.path ?? ''
    intake.noteEmptyFolder(path, { cid, block })
    return { cid, path, unixfs, size: BigInt(block.byteLength), block }
  }
}

/** A layout that leaves out a file whose content could not be read: the importer's tree skips what is `undefined`. */
function skippingFailed(layout: FileLayout, intake: Intake): FileLayout {
  return async (source, reduce) => {
    try {
      return await layout(source, reduce)
    } catch (error) {
      if (!(error instanceof UnreadableFile)) throw error
      intake.fail(error.path, error.reason)
      return undefined as never
    }
  }
}

/** Says which file could not be read any further. */
class UnreadableFile extends Error {
  readonly path: string
  readonly reason: EntryReadError
  constructor(path: string, reason: EntryReadError) {
    super(`${path} could not be read`, { cause: reason })
    this.path = path
    this.reason = reason
  }
}

/** Takes entries in: checks their paths, counts them, and turns what cannot be read into failed items. */
class Intake {
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
    for await (const entry of this.#entries) {
      this.#signal.throwIfAborted()
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
      yield entry.content === undefined
        ? { path: entry.path }
        : { path: entry.path, content: this.#read(entry.path, entry.content) }
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
    return { ...(cid === undefined ? {} : { cid }), bytes: this.#bytesAdded, items: this.added, failed: this.failed }
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
        return new IpfsError('IPFS_INVALID_PATH', `${JSON.stringify(entry.path)} lies below the file ${JSON.stringify(parent)}`)
      }
      this.#seen.set(parent, 'folder')
    }
    this.#seen.set(entry.path, kind)
    return undefined
  }

  /** The content of a file, with its progress. */
  async *#read(path: string, content: Uint8Array | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of content instanceof Uint8Array ? [content] : content) {
        this.#signal.throwIfAborted()
        this.#bytesTaken += chunk.byteLength
        this.#onProgress?.({ bytes: this.#bytesTaken, items: this.added })
        if (chunk.byteLength > 0) yield chunk
      }
    } catch (error) {
      if (error instanceof EntryReadError && !this.#signal.aborted) throw new UnreadableFile(path, error)
      throw error
    }
  }
}
