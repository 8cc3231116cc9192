/** The calls on files and folders: of the live tree, and of a transaction. */
import type { Lease } from '@ipfs-kit/blocks'
import { createKeyedLock, type Owner } from '@ipfs-kit/concurrency'
import {
  buildFile,
  type CidProfile,
  describeNode,
  editFile,
  type MetadataChange,
  setFileMetadata,
  truncateFile,
  type EditFileOptions,
  type FileBytes,
  type FilePart,
  type UnixfsMetadata,
  type GetBlock,
} from '@ipfs-kit/ipfs/unixfs'
import type { CID } from 'multiformats/cid'
import { ContentFailure, marked } from './caller-content.ts'
import { checkAttributes, checkMetadata, checkMetadataChange } from './checks.ts'
import { JournalError } from './errors.ts'
import { storeFailure } from './failure.ts'
import { checkRange, fileRange, type RangeToRead } from './file-range.ts'
import type { FolderPage, PageRange } from './folder-page.ts'
import type { HeldRoots } from './held-roots.ts'
import { holdContent } from './hold-dag.ts'
import type {
  CallOptions,
  FileRange,
  Files,
  ListedEntry,
  ListOptions,
  ListPage,
  MountOptions,
  PutOptions,
  RangeOptions,
  ReadOptions,
  Stat,
  UnmountOptions,
} from './journal.ts'
import { list, type PageAt } from './list.ts'
import { type Mark, markAt } from './marks/marks.ts'
import { planAttributes, planMount, planUnmount } from './marks/plan-marks.ts'
import type { Monitor } from './monitor/monitor.ts'
import type { TreeBlocks } from './open-journal.ts'
import { type Names, parsePath, pathOf } from './path.ts'
import {
  notFound,
  planCopy,
  planEdit,
  planMetadata,
  planMkdir,
  planMove,
  planPut,
  planRemove,
  planWrite,
} from './plan.ts'
import { briefStatOf, statForList, statOf } from './stat.ts'
import type { Step } from './record.ts'
import { type Entry, Folder, type Leaf } from './tree/folder.ts'
import type { TreeView } from './tree/tree.ts'

/** What is at a path, and what the path carries. */
export interface Found {
  readonly entry: Entry | undefined
  readonly mark: Mark
}

export function lookAt(tree: TreeView, names: Names): Found {
  return { entry: tree.at(names), mark: markAt(tree.marks, names) }
}

/** The tree that the calls are about. */
export interface FileTree {
  readonly get: GetBlock
  readonly held: HeldRoots
  /** Waits until it can be used. @throws JournalError */
  whole(signal: AbortSignal | undefined): Promise<void>
  /** What is at a path. */
  find(names: Names, signal: AbortSignal | undefined): Promise<Entry | undefined>
  /** The same, with what the path carries. */
  look(names: Names, signal: AbortSignal | undefined): Promise<Found>
  /** What a path carries that was just found. */
  markAt(names: Names): Mark
  /** A page of the folder at a path. */
  page(names: Names, range: PageRange, signal: AbortSignal | undefined): Promise<FolderPage>
  /** Does what a plan says, when the paths are loaded. */
  change(
    paths: readonly Names[],
    plan: (tree: TreeView) => readonly Step[],
    signal: AbortSignal | undefined,
  ): Promise<void>
}

/** What the calls need. */
export interface TreeFilesOptions {
  readonly blocks: TreeBlocks
  readonly owner: Owner
  readonly profile: CidProfile
  readonly monitor: Monitor
  /** Milliseconds since 1970. */
  readonly clock: () => number
}

export class TreeFiles implements Files {
  readonly #tree: FileTree
  readonly #options: TreeFilesOptions
  readonly #editing = createKeyedLock({ name: 'writes into files of a journal' })

  constructor(tree: FileTree, options: TreeFilesOptions) {
    this.#tree = tree
    this.#options = options
  }

  async stat(path: string, { signal }: CallOptions = {}): Promise<Stat> {
    const names = parsePath(path)
    const { entry, mark } = await this.#tree.look(names, signal)
    if (entry === undefined) throw notFound(names)
    return await statOf({ entry, mark }, this.#tree.get, signal)
  }

  async ls(
    path: string,
    { after, limit = 1000, recursive = false, long = false, signal }: ListOptions = {},
  ): Promise<ListPage> {
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > 10_000) {
      throw new RangeError(`limit is a whole number from 1 to 10,000, not ${limit}`)
    }
    const names = parsePath(path)
    const pageAt: PageAt = (folder, range) => this.#tree.page(folder, range, signal)
    const { entries, next } = await list(pageAt, { names, after, limit, isRecursive: recursive })
    const shown: ListedEntry[] = []
    for (const { names: below, entry } of entries) {
      const stat = long ? await this.#longStat([...names, ...below], entry, signal) : briefStatOf(entry)
      shown.push({ name: below.join('/'), ...stat })
    }
    return { entries: shown, ...(next !== undefined && { next }) }
  }

  async mkdir(
    path: string,
    { parents = false, mode, mtime, signal }: PutOptions & UnixfsMetadata = {},
  ): Promise<void> {
    const names = parsePath(path)
    const metadata = checkMetadata({ mode, mtime })
    await this.#tree.change([names], (tree) => planMkdir(tree, names, metadata, parents), signal)
  }

  async write(
    path: string,
    content: FileBytes,
    { parents = false, mode, mtime, signal }: PutOptions & UnixfsMetadata = {},
  ): Promise<void> {
    const names = parsePath(path)
    const metadata = checkMetadata({ mode, mtime })
    await this.store(async (options) => {
      const file = await buildFile(marked(content), { ...options, ...metadata })
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
    await this.#editContent(
      path,
      ({ cid }, _, options) => editFile(cid, { offset, content: marked(content) }, options),
      signal,
    )
  }

  async append(path: string, content: FileBytes, { signal }: CallOptions = {}): Promise<void> {
    const edit: EditContent = ({ cid }, size, options) =>
      editFile(cid, { offset: size, content: marked(content) }, options)
    await this.#editContent(path, edit, signal)
  }

  async truncate(path: string, size: number, { signal }: CallOptions = {}): Promise<void> {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new RangeError(`size is a whole number of bytes from 0, not ${size}`)
    }
    await this.#editContent(path, ({ cid }, _, options) => truncateFile(cid, size, options), signal)
  }

  async *read(path: string, options: ReadOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    const range = checkRange(options)
    const { cid } = await this.#fileAt(parsePath(path), options.signal)
    yield* this.#range({ path, cid, ...range }, options.signal)
  }

  async readRange(path: string, options: RangeOptions): Promise<FileRange> {
    const range = checkRange(options)
    const { cid } = await this.#fileAt(parsePath(path), options.signal)
    const reading = this.#range({ path, cid, ...range }, options.signal)
    const pieces: Uint8Array[] = []
    for (;;) {
      const { done, value } = await reading.next()
      if (done) return { cid, size: value, bytes: Buffer.concat(pieces) }
      pieces.push(value)
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

  async put(path: string, cid: CID, { parents = false, signal }: PutOptions = {}): Promise<void> {
    const names = parsePath(path)
    await this.store(async ({ get, put, signal: both }, lease) => {
      const entry = await holdContent(cid, { get, put, lease, signal: both })
      return () => this.#tree.change([names], (tree) => planPut(tree, names, entry, parents), signal)
    }, signal)
  }

  async setMetadata(
    path: string,
    { mode, mtime }: MetadataChange,
    { signal }: CallOptions = {},
  ): Promise<void> {
    const names = parsePath(path)
    const change = checkMetadataChange({ mode, mtime })
    if ((await this.#tree.find(names, signal)) instanceof Folder) {
      await this.#tree.change([names], (tree) => planMetadata(tree, names, change), signal)
    } else await this.#edit(path, ({ cid }, options) => setFileMetadata(cid, change, options), signal)
  }

  async setAttributes(
    path: string,
    attributes: Readonly<Record<string, string | undefined>>,
    { signal }: CallOptions = {},
  ): Promise<void> {
    const names = parsePath(path)
    const checked = checkAttributes(attributes)
    await this.#tree.change([names], (tree) => planAttributes(tree, names, checked), signal)
  }

  async mount(
    path: string,
    cid: CID,
    { writable = false, parents = false, signal }: MountOptions = {},
  ): Promise<void> {
    const names = parsePath(path)
    await this.store(async ({ get, put, signal: both }, lease) => {
      const entry = await holdContent(cid, { get, put, lease, signal: both })
      return () =>
        this.#tree.change([names], (tree) => planMount(tree, names, entry, parents, writable), signal)
    }, signal)
  }

  async unmount(path: string, { keep = false, signal }: UnmountOptions = {}): Promise<void> {
    const names = parsePath(path)
    await this.#tree.change([names], (tree) => planUnmount(tree, names, keep), signal)
  }

  async #longStat(names: Names, listed: Entry, signal: AbortSignal | undefined): Promise<Stat> {
    // A transaction lists the name alone of a folder in which it has changed something.
    const isListedByName = listed instanceof Folder && listed.isChanged
    const entry = isListedByName ? await this.#tree.find(names, signal) : listed
    const mark = this.#tree.markAt(names)
    return await statForList({ entry: entry ?? listed, mark }, this.#tree.get, signal)
  }

  #range(range: RangeToRead, signal: AbortSignal | undefined): ReturnType<typeof fileRange> {
    const { get, held } = this.#tree
    return fileRange(range, { get, held, owner: this.#options.owner }, signal)
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

  /** Changes the content of a file. One that has a time has that of the change then, as with Kubo. */
  async #editContent(path: string, edit: EditContent, signal: AbortSignal | undefined): Promise<void> {
    const editNow = async (file: Leaf, options: EditFileOptions): Promise<FilePart> => {
      const { size, mtime } = describeNode(file.cid, await options.get(file.cid))
      const now = mtime && { mtime: timeOf(this.#options.clock()) }
      return await edit(file, size, { ...options, ...now })
    }
    await this.#edit(path, editNow, signal)
  }

  /** Changes a file: one change after the other. */
  async #edit(
    path: string,
    edit: (file: Leaf, options: EditFileOptions) => Promise<FilePart>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const names = parsePath(path)
    using _turn = await this.#editing.acquire(pathOf(names), { signal })
    const before = await this.#fileAt(names, signal)
    await this.store(async (options) => {
      const file = await edit(before, options)
      return () => this.#tree.change([names], (tree) => planEdit(tree, names, before.cid, file), signal)
    }, signal)
  }

  /** Stores blocks, makes them durable, and then does the change that they are for: until that is in the log they are held. */
  protected async store(
    work: (options: EditFileOptions, lease: Lease) => Promise<() => Promise<void>>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await this.#tree.whole(signal)
    const { owner, profile, monitor } = this.#options
    const over = new AbortController()
    const both = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal])
    using lease = this.#lease()
    let change: () => Promise<void>
    try {
      const put = (cid: CID, bytes: Uint8Array) =>
        lease.put(cid, bytes, { verify: 'on-read', scope: owner.scope })
      const get: GetBlock = (cid) => this.#tree.get(cid, both)
      change = await work({ get, put, profile, owner, signal: both }, lease)
      await lease.flush({ ...(signal && { signal }) })
    } catch (cause) {
      over.abort()
      if (cause instanceof ContentFailure) throw cause.cause
      const failure = storeFailure(cause, 'store a file')
      monitor.failed(failure)
      throw failure
    }
    await change()
  }

  #lease(): Lease {
    try {
      return this.#options.blocks.lease({ name: 'write of a journal' })
    } catch (cause) {
      throw storeFailure(cause, 'store a file')
    }
  }

  async #put(
    names: Names,
    { cid, dagBytes }: FilePart,
    parents: boolean,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await this.#tree.change([names], (tree) => planWrite(tree, names, { cid, dagBytes }, parents), signal)
  }
}

type EditContent = (file: Leaf, size: number, options: EditFileOptions) => Promise<FilePart>

function timeOf(milliseconds: number): NonNullable<UnixfsMetadata['mtime']> {
  const seconds = Math.floor(milliseconds / 1000)
  return { secs: BigInt(seconds), nsecs: Math.floor((milliseconds - seconds * 1000) * 1e6) }
}
