/** The public face of an open journal. */
import type { Claim } from '@ipfs-kit/blocks'
import { createKeyedLock, shield } from '@ipfs-kit/concurrency'
import {
  buildFile,
  describeNode,
  editFile,
  fileContent,
  truncateFile,
  type EditFileOptions,
  type FileBytes,
  type FilePart,
  type FolderMetadata,
} from '@ipfs-kit/ipfs/unixfs'
import type { CID } from 'multiformats/cid'
import { shownCheckpoint, shownRecovery } from './checkpoints.ts'
import { checkMetadata } from './checks.ts'
import { JournalError } from './errors.ts'
import { storeFailure } from './failure.ts'
import type {
  CallOptions,
  Checkpoint,
  Journal,
  JournalStats,
  ListOptions,
  ListPage,
  PutOptions,
  ReadOptions,
  Recovery,
  Stat,
} from './journal.ts'
import { listFolder } from './list.ts'
import { LoggedTree, type LoggedTreeOptions } from './logged-tree.ts'
import { type Names, parsePath, pathOf } from './path.ts'
import { notFound, planCopy, planMkdir, planMove, planRemove, planWrite } from './plan.ts'
import { type Entry, Folder, type Leaf } from './tree/folder.ts'
import { Tree } from './tree/tree.ts'

/** What an open journal is made of. */
export interface OpenedJournalOptions extends LoggedTreeOptions {
  /** What is closed at the end. */
  readonly resources: AsyncDisposableStack
}

export class OpenedJournal implements Journal {
  readonly recovery: Recovery
  readonly #options: OpenedJournalOptions
  readonly #tree: LoggedTree
  readonly #editing = createKeyedLock({ name: 'writes into files of a journal' })
  #closing: Promise<void> | undefined

  constructor(options: OpenedJournalOptions) {
    this.#options = options
    this.#tree = new LoggedTree(options)
    this.recovery = shownRecovery(options.recovered, options.log.findings)
  }

  async stat(path: string, { signal }: CallOptions = {}): Promise<Stat> {
    const names = parsePath(path)
    const entry = await this.#tree.find(names, signal)
    if (entry === undefined) throw notFound(names)
    return await this.#statOf(entry)
  }

  async ls(path: string, { after, limit = 1000, signal }: ListOptions = {}): Promise<ListPage> {
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > 10_000) {
      throw new RangeError(`limit is a whole number from 1 to 10,000, not ${limit}`)
    }
    const names = parsePath(path)
    const entry = await this.#tree.find(names, signal)
    if (entry === undefined) throw notFound(names)
    if (!(entry instanceof Folder)) {
      throw new JournalError('JOURNAL_NOT_A_FOLDER', `${pathOf(names)} is no folder`)
    }
    return await listFolder(this.#tree.live, entry, this.#tree.get, after, limit)
  }

  async mkdir(
    path: string,
    { parents = false, mode, mtime, signal }: PutOptions & FolderMetadata = {},
  ): Promise<void> {
    const names = parsePath(path)
    const metadata = checkMetadata({ mode, mtime })
    await this.#tree.change([names], (tree) => planMkdir(tree, names, metadata, parents), signal)
  }

  async write(path: string, content: FileBytes, { parents = false, signal }: PutOptions = {}): Promise<void> {
    const names = parsePath(path)
    await this.#store(async (options) => {
      const file = await buildFile(content, options)
      return () => this.#put(names, file, parents, signal)
    }, signal)
  }

  async writeAt(
    path: string,
    offset: number,
    content: FileBytes,
    { signal }: CallOptions = {},
  ): Promise<void> {
    if (!Number.isSafeInteger(offset) || offset < 0) {
      throw new RangeError(`offset is a whole number from 0, not ${offset}`)
    }
    await this.#edit(path, ({ cid }, options) => editFile(cid, { offset, content }, options), signal)
  }

  async append(path: string, content: FileBytes, { signal }: CallOptions = {}): Promise<void> {
    const edit = async ({ cid }: Leaf, options: EditFileOptions): Promise<FilePart> => {
      const { size } = describeNode(cid, await this.#tree.get(cid))
      return await editFile(cid, { offset: size, content }, options)
    }
    await this.#edit(path, edit, signal)
  }

  async truncate(path: string, size: number, { signal }: CallOptions = {}): Promise<void> {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new RangeError(`size is a whole number of bytes from 0, not ${size}`)
    }
    await this.#edit(path, ({ cid }, options) => truncateFile(cid, size, options), signal)
  }

  async *read(
    path: string,
    { offset = 0, length = Number.MAX_SAFE_INTEGER, signal }: ReadOptions = {},
  ): AsyncGenerator<Uint8Array, void, undefined> {
    for (const [name, value] of Object.entries({ offset, length })) {
      if (!Number.isSafeInteger(value) || value < 0) {
        throw new RangeError(`${name} is a whole number of bytes from 0, not ${value}`)
      }
    }
    const { cid } = await this.#fileAt(parsePath(path), signal)
    const { size } = describeNode(cid, await this.#tree.get(cid, signal))
    if (offset > size) {
      throw new RangeError(`${path} has ${size} bytes; ${offset} is behind its end`)
    }
    const { owner } = this.#options
    const over = new AbortController()
    try {
      const both = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal])
      yield* fileContent(cid, { get: this.#tree.get, owner, signal: both, offset, length })
    } finally {
      over.abort()
    }
  }

  async rm(
    path: string,
    { recursive = false, signal }: CallOptions & { readonly recursive?: boolean } = {},
  ): Promise<void> {
    const names = parsePath(path)
    await this.#tree.change([names], (tree) => planRemove(tree, names, recursive), signal)
  }

  async mv(from: string, to: string, { parents = false, signal }: PutOptions = {}): Promise<void> {
    const [source, target] = [parsePath(from), parsePath(to)]
    await this.#tree.change([source, target], (tree) => planMove(tree, source, target, parents), signal)
  }

  async cp(from: string, to: string, { parents = false, signal }: PutOptions = {}): Promise<void> {
    const [source, target] = [parsePath(from), parsePath(to)]
    await this.#tree.change([source, target], (tree) => planCopy(tree, source, target, parents), signal)
  }

  async flush(path = '/', { signal }: CallOptions = {}): Promise<CID> {
    const names = parsePath(path)
    const entry = await this.#tree.find(names, signal)
    if (entry === undefined) throw notFound(names)
    if (!(entry instanceof Folder) || !entry.isChanged) {
      const cid = entry instanceof Folder ? entry.base!.cid : entry.cid
      await this.#tree.answered()
      return cid
    }
    const { root: cid, dagBytes } = await this.#tree.written(signal)
    // As it was then: the live one may have changed again.
    const written = await new Tree({ cid, dagBytes }, this.#tree.get).find(names)
    if (written === undefined) throw notFound(names)
    return written instanceof Folder ? written.base!.cid : written.cid
  }

  async checkpoint({ signal }: CallOptions = {}): Promise<Checkpoint> {
    return shownCheckpoint(await this.#tree.written(signal))
  }

  checkpoints(): readonly Checkpoint[] {
    return this.#tree.kept.checkpoints.map(shownCheckpoint)
  }

  roots(): readonly CID[] {
    return this.#tree.roots()
  }

  claims(): readonly Claim[] {
    return this.#tree.claims()
  }

  stats(): JournalStats {
    const { sequence, ...state } = this.#tree.state
    const [checkpoint] = this.checkpoints()
    return Object.freeze({
      ...state,
      sequence,
      changesSinceCheckpoint: sequence - (checkpoint?.sequence ?? 0),
      checkpoint,
    })
  }

  async close(): Promise<void> {
    this.#tree.close()
    this.#closing ??= shield(() => this.#options.resources.disposeAsync())
    await this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #fileAt(names: Names, signal: AbortSignal | undefined): Promise<Leaf> {
    const entry = await this.#tree.find(names, signal)
    if (entry === undefined) throw notFound(names)
    if (!(entry instanceof Folder) && entry.kind === 'file') return entry
    if (!(entry instanceof Folder) && entry.kind === 'unknown') {
      throw new JournalError(
        'JOURNAL_BLOCK_MISSING',
        `The block ${entry.cid} at ${pathOf(names)} is not here`,
      )
    }
    throw new JournalError('JOURNAL_NOT_A_FILE', `${pathOf(names)} is no file`)
  }

  /** Changes a file by its content: one change after the other. */
  async #edit(
    path: string,
    edit: (file: Leaf, options: EditFileOptions) => Promise<FilePart>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const names = parsePath(path)
    using _turn = await this.#editing.acquire(pathOf(names), { signal })
    const before = await this.#fileAt(names, signal)
    await this.#store(async (options) => {
      const { cid, dagBytes } = await edit(before, options)
      return () =>
        this.#tree.change(
          [names],
          (tree) => {
            // A checkpoint may have made another object of it meanwhile: the CID tells.
            const now = tree.at(names)
            if (now !== undefined && !(now instanceof Folder) && now.cid.equals(before.cid))
              return [{ step: 'put', path: pathOf(names), cid, dagBytes }]
            throw new JournalError('JOURNAL_CONFLICT', `${pathOf(names)} has changed meanwhile`)
          },
          signal,
        )
    }, signal)
  }

  /** Stores blocks, makes them durable, and then does the change that they are for: until that is in the log they are held. */
  async #store(
    work: (options: EditFileOptions) => Promise<() => Promise<void>>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await this.#tree.whole()
    const { blocks, owner, profile } = this.#options
    const over = new AbortController()
    const both = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal])
    using lease = blocks.lease({ name: 'write of a journal' })
    let change: () => Promise<void>
    try {
      const put = (cid: CID, bytes: Uint8Array) =>
        lease.put(cid, bytes, { verify: 'on-read', scope: owner.scope })
      change = await work({ get: this.#tree.get, put, profile, owner, signal: both })
      await lease.flush({ ...(signal && { signal }) })
    } catch (cause) {
      throw storeFailure(cause, 'store a file')
    } finally {
      over.abort()
    }
    await change()
  }

  async #put(
    names: Names,
    { cid, dagBytes }: FilePart,
    parents: boolean,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await this.#tree.change([names], (tree) => planWrite(tree, names, { cid, dagBytes }, parents), signal)
  }

  async #statOf(entry: Entry): Promise<Stat> {
    if (entry instanceof Folder) {
      const { base, isChanged, newMetadata } = entry
      const written = base && describeNode(base.cid, await this.#tree.get(base.cid))
      const { mode, mtime } = { ...written, ...newMetadata }
      return {
        kind: 'directory',
        ...(isChanged || base === undefined ? {} : base),
        ...checkMetadata({ mode, mtime }),
      }
    }
    const { kind, cid, dagBytes } = entry
    if (kind === 'unknown') return { kind, cid, dagBytes }
    const { size, mode, mtime } = describeNode(cid, await this.#tree.get(cid))
    return { kind, cid, dagBytes, size, ...checkMetadata({ mode, mtime }) }
  }
}
