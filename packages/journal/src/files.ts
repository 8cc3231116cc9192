/** The calls on files and folders: of the live tree, and of a transaction. */
import type { Lease } from '@ipfs-kit/blocks'
import { createKeyedLock, type Owner } from '@ipfs-kit/concurrency'
import {
  buildFile,
  type CidProfile,
  describeNode,
  editFile,
  fileContent,
  truncateFile,
  type EditFileOptions,
  type FileBytes,
  type FilePart,
  type FolderMetadata,
  type GetBlock,
} from '@ipfs-kit/ipfs/unixfs'
import type { CID } from 'multiformats/cid'
import { checkAttributes, checkMetadata } from './checks.ts'
import { JournalError } from './errors.ts'
import { storeFailure } from './failure.ts'
import { holdDag } from './hold-dag.ts'
import type {
  CallOptions,
  Files,
  ListOptions,
  ListPage,
  MountOptions,
  PutOptions,
  ReadOptions,
  Stat,
  UnmountOptions,
} from './journal.ts'
import { type Mark, markAt } from './marks/marks.ts'
import { planAttributes, planMount, planUnmount } from './marks/plan-marks.ts'
import type { Monitor } from './monitor/monitor.ts'
import type { TreeBlocks } from './open-journal.ts'
import { type Names, parsePath, pathOf } from './path.ts'
import { notFound, planCopy, planEdit, planMkdir, planMove, planPut, planRemove, planWrite } from './plan.ts'
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
  /** Waits until it can be used. @throws JournalError */
  whole(): Promise<void>
  /** What is at a path. */
  find(names: Names, signal: AbortSignal | undefined): Promise<Entry | undefined>
  /** The same, with what the path carries. */
  look(names: Names, signal: AbortSignal | undefined): Promise<Found>
  /** A page of the folder at a path. */
  list(
    names: Names,
    after: string | undefined,
    limit: number,
    signal: AbortSignal | undefined,
  ): Promise<ListPage>
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
    return { ...(await this.#statOf(entry)), ...shownMark(mark) }
  }

  async ls(path: string, { after, limit = 1000, signal }: ListOptions = {}): Promise<ListPage> {
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > 10_000) {
      throw new RangeError(`limit is a whole number from 1 to 10,000, not ${limit}`)
    }
    return await this.#tree.list(parsePath(path), after, limit, signal)
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
      throw new JournalError('JOURNAL_RANGE', `${path} has ${size} bytes; ${offset} is behind its end`)
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

  async put(path: string, cid: CID, { parents = false, signal }: PutOptions = {}): Promise<void> {
    const names = parsePath(path)
    await this.#store(async ({ get, put, signal: both }, lease) => {
      const entry = await holdDag(cid, { get, put, lease, signal: both })
      return () => this.#tree.change([names], (tree) => planPut(tree, names, entry, parents), signal)
    }, signal)
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
    await this.#store(async ({ get, put, signal: both }, lease) => {
      const entry = await holdDag(cid, { get, put, lease, signal: both })
      return () =>
        this.#tree.change([names], (tree) => planMount(tree, names, entry, parents, writable), signal)
    }, signal)
  }

  async unmount(path: string, { keep = false, signal }: UnmountOptions = {}): Promise<void> {
    const names = parsePath(path)
    await this.#tree.change([names], (tree) => planUnmount(tree, names, keep), signal)
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
      const file = await edit(before, options)
      return () => this.#tree.change([names], (tree) => planEdit(tree, names, before.cid, file), signal)
    }, signal)
  }

  /** Stores blocks, makes them durable, and then does the change that they are for: until that is in the log they are held. */
  async #store(
    work: (options: EditFileOptions, lease: Lease) => Promise<() => Promise<void>>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await this.#tree.whole()
    const { blocks, owner, profile, monitor } = this.#options
    const over = new AbortController()
    const both = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal])
    using lease = blocks.lease({ name: 'write of a journal' })
    let change: () => Promise<void>
    try {
      const put = (cid: CID, bytes: Uint8Array) =>
        lease.put(cid, bytes, { verify: 'on-read', scope: owner.scope })
      change = await work({ get: this.#tree.get, put, profile, owner, signal: both }, lease)
      await lease.flush({ ...(signal && { signal }) })
    } catch (cause) {
      const failure = storeFailure(cause, 'store a file')
      monitor.failed(failure)
      throw failure
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

function shownMark({ attributes, mount, tier }: Mark): Pick<Stat, 'attributes' | 'mount' | 'tier'> {
  return {
    ...(attributes !== undefined && { attributes }),
    ...(mount !== undefined && { mount: { cid: mount.cid, writable: mount.isWritable } }),
    ...(tier !== undefined && { tier }),
  }
}
