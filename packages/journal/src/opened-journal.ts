/** The public face of an open journal. */
import {
  createKeyedLock,
  createLock,
  type Owner,
  shield,
  type Task,
  throwIfCancelled,
} from '@ipfs-kit/concurrency'
import {
  buildFile,
  describeNode,
  editFile,
  fileContent,
  truncateFile,
  type CidProfile,
  type EditFileOptions,
  type FileBytes,
  type FilePart,
  type FolderMetadata,
  type GetBlock,
} from '@ipfs-kit/ipfs/unixfs'
import { type Log, WalError } from '@ipfs-kit/wal'
import type { CID } from 'multiformats/cid'
import { checkMetadata } from './checks.ts'
import { writeFrozen } from './checkpoint.ts'
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
import type { TreeBlocks } from './open-journal.ts'
import { type Names, parsePath, pathOf } from './path.ts'
import { EntriesUnknown, notFound, planCopy, planMkdir, planMove, planRemove, planWrite } from './plan.ts'
import { type CheckpointRecord, encodeChange, encodeCheckpoint, encodeResume, type Step } from './record.ts'
import { recover, type Recovered } from './recovery.ts'
import { getBlockOf } from './tree-blocks.ts'
import { type Entry, Folder, type Leaf } from './tree/folder.ts'
import { Tree } from './tree/tree.ts'

/** What an open journal is made of. */
export interface OpenedJournalOptions {
  readonly log: Log
  readonly blocks: TreeBlocks
  readonly owner: Owner
  readonly profile: CidProfile
  readonly clock: () => number
  readonly checkpointChanges: number
  readonly recovered: Recovered
  /** What is closed at the end. */
  readonly resources: AsyncDisposableStack
}

/** Of one record of the log. */
const maxRecordBytes = 1024 * 1024

export class OpenedJournal implements Journal {
  readonly recovery: Recovery
  readonly #options: OpenedJournalOptions
  readonly #get: GetBlock
  #tree: Tree
  #sequence: number
  #checkpoint: CheckpointRecord | undefined
  /** The last append; what comes after one that failed counts for nothing. */
  #last: Promise<number>
  /** Why the tree has what the log has not. */
  #failure: unknown
  #rebuilding: Task<void> | undefined
  /** What the tree has not, or no more, and a recovery may find all the same: the log has not answered yet. */
  readonly #unanswered = new Set<readonly Entry[]>()
  readonly #editing = createKeyedLock({ name: 'writes into files of a journal' })
  readonly #writing = createLock({ name: 'checkpoint of a journal' })
  #closing: Promise<void> | undefined
  /** The number of changes at which a checkpoint is due. */
  #dueAt: number
  #checkpointFailure: Error | undefined

  constructor(options: OpenedJournalOptions) {
    this.#options = options
    const { recovered, blocks } = options
    this.#get = getBlockOf(blocks)
    this.#tree = recovered.tree
    this.#sequence = recovered.sequence
    this.#checkpoint = recovered.checkpoint
    this.#dueAt = (recovered.checkpoint?.sequence ?? 0) + options.checkpointChanges
    this.#last = Promise.resolve(recovered.lsn)
    const { changes, dropped } = recovered
    const checkpoint = recovered.checkpoint && shown(recovered.checkpoint)
    this.recovery = Object.freeze({ ...(checkpoint && { checkpoint }), changes, dropped })
  }

  async stat(path: string, { signal }: CallOptions = {}): Promise<Stat> {
    const names = parsePath(path)
    const entry = await this.#find(names, signal)
    if (entry === undefined) throw notFound(names)
    return await this.#statOf(entry)
  }

  async ls(path: string, { after, limit = 1000, signal }: ListOptions = {}): Promise<ListPage> {
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > 10_000) {
      throw new RangeError(`limit is a whole number from 1 to 10,000, not ${limit}`)
    }
    const names = parsePath(path)
    const entry = await this.#find(names, signal)
    if (entry === undefined) throw notFound(names)
    if (!(entry instanceof Folder)) {
      throw new JournalError('JOURNAL_NOT_A_FOLDER', `${pathOf(names)} is no folder`)
    }
    return await listFolder(this.#tree, entry, this.#get, after, limit)
  }

  async mkdir(
    path: string,
    { parents = false, mode, mtime, signal }: PutOptions & FolderMetadata = {},
  ): Promise<void> {
    const names = parsePath(path)
    const metadata = checkMetadata({ mode, mtime })
    await this.#change([names], (tree) => planMkdir(tree, names, metadata, parents), signal)
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
      const { size } = describeNode(cid, await this.#get(cid))
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
    const { size } = describeNode(cid, await this.#get(cid, signal))
    if (offset > size) {
      throw new RangeError(`${path} has ${size} bytes; ${offset} is behind its end`)
    }
    const { owner } = this.#options
    const over = new AbortController()
    try {
      const both = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal])
      yield* fileContent(cid, { get: this.#get, owner, signal: both, offset, length })
    } finally {
      over.abort()
    }
  }

  async rm(
    path: string,
    { recursive = false, signal }: CallOptions & { readonly recursive?: boolean } = {},
  ): Promise<void> {
    const names = parsePath(path)
    await this.#change([names], (tree) => planRemove(tree, names, recursive), signal)
  }

  async mv(from: string, to: string, { parents = false, signal }: PutOptions = {}): Promise<void> {
    const [source, target] = [parsePath(from), parsePath(to)]
    await this.#change([source, target], (tree) => planMove(tree, source, target, parents), signal)
  }

  async cp(from: string, to: string, { parents = false, signal }: PutOptions = {}): Promise<void> {
    const [source, target] = [parsePath(from), parsePath(to)]
    await this.#change([source, target], (tree) => planCopy(tree, source, target, parents), signal)
  }

  async flush(path = '/', { signal }: CallOptions = {}): Promise<CID> {
    const names = parsePath(path)
    const entry = await this.#find(names, signal)
    if (entry === undefined) throw notFound(names)
    if (!(entry instanceof Folder) || !entry.isChanged) {
      const cid = entry instanceof Folder ? entry.base!.cid : entry.cid
      await this.#last
      return cid
    }
    const { root: cid, dagBytes } = await this.#written(signal)
    // As it was then: the live one may have changed again.
    const written = await new Tree({ cid, dagBytes }, this.#get).find(names)
    if (written === undefined) throw notFound(names)
    return written instanceof Folder ? written.base!.cid : written.cid
  }

  async checkpoint({ signal }: CallOptions = {}): Promise<Checkpoint> {
    return shown(await this.#written(signal))
  }

  roots(): readonly CID[] {
    const roots = [...this.#tree.root.roots()]
    for (const entry of [...this.#unanswered].flat()) {
      if (!(entry instanceof Folder)) roots.push(entry.cid)
      else for (const cid of entry.roots()) roots.push(cid)
    }
    return roots
  }

  stats(): JournalStats {
    const { log } = this.#options
    return Object.freeze({
      state: this.#closing !== undefined ? 'closed' : log.stats().state === 'open' ? 'open' : 'failed',
      sequence: this.#sequence,
      changesSinceCheckpoint: this.#sequence - (this.#checkpoint?.sequence ?? 0),
      checkpoint: this.#checkpoint && shown(this.#checkpoint),
      checkpointFailure: this.#checkpointFailure,
      logBytes: log.stats().bytes,
    })
  }

  async close(): Promise<void> {
    this.#closing ??= shield(() => this.#options.resources.disposeAsync())
    await this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #fileAt(names: Names, signal: AbortSignal | undefined): Promise<Leaf> {
    const entry = await this.#find(names, signal)
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
        this.#change(
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
    await this.#whole()
    const { blocks, owner, profile } = this.#options
    const over = new AbortController()
    const both = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal])
    using lease = blocks.lease({ name: 'write of a journal' })
    let change: () => Promise<void>
    try {
      const put = (cid: CID, bytes: Uint8Array) =>
        lease.put(cid, bytes, { verify: 'on-read', scope: owner.scope })
      change = await work({ get: this.#get, put, profile, owner, signal: both })
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
    await this.#change([names], (tree) => planWrite(tree, names, { cid, dagBytes }, parents), signal)
  }

  /** The tree as it is when this is called, or later, as a checkpoint. */
  async #written(signal: AbortSignal | undefined): Promise<CheckpointRecord> {
    for (;;) {
      await this.#whole()
      using _turn = await this.#writing.acquire({ signal })
      if (!this.#isWhole) continue
      if (this.#checkpoint !== undefined && !this.#tree.root.isChanged) return this.#checkpoint
      // What has begun goes on to its end: it is everybody's.
      return await shield(() => this.#write())
    }
  }

  async #write(): Promise<CheckpointRecord> {
    const { blocks, log, profile, clock } = this.#options
    const { root } = this.#tree
    const sequence = this.#sequence
    const last = this.#last
    root.freeze()
    try {
      const lsn = await last
      using lease = blocks.lease({ name: 'checkpoint of a journal' })
      const put = (cid: CID, bytes: Uint8Array) => lease.put(cid, bytes, { verify: 'on-read' })
      const { root: link, written } = await writeFrozen(root, { get: this.#get, put, profile })
      await lease.flush()
      const record = { sequence, lsn, at: clock(), root: link.cid, dagBytes: link.dagBytes }
      const unanswered = [new Folder(link, undefined)]
      this.#unanswered.add(unanswered)
      await this.#logged(log.append(encodeCheckpoint(record)))
      this.#unanswered.delete(unanswered)
      for (const one of written) one.folder.settle(one.link)
      this.#checkpoint = record
      this.#checkpointFailure = undefined
      blocks.noteRetained([link.cid])
      await log.dropBefore(lsn + 1)
      return record
    } catch (cause) {
      root.thaw()
      throw storeFailure(cause, 'write a checkpoint')
    }
  }

  get #isWhole(): boolean {
    return this.#failure === undefined && this.#closing === undefined
  }

  /** Waits until the tree is what the log tells of, if an append has failed. */
  async #whole(): Promise<void> {
    if (this.#closing !== undefined) throw closed()
    if (this.#failure === undefined) return
    this.#rebuilding ??= this.#options.owner.spawn(() => this.#rebuild(), { name: 'recovery of a journal' })
    try {
      await this.#rebuilding.join()
    } catch (cause) {
      throw this.#closing === undefined ? cause : closed(cause)
    }
  }

  /** Makes the tree anew from the log: what was appended with or after what has failed is in it, or is not. */
  async #rebuild(): Promise<void> {
    const { log } = this.#options
    try {
      using _turn = await this.#writing.acquire()
      for (let last: Promise<number> | undefined; last !== this.#last;) {
        last = this.#last
        try {
          await last
        } catch (cause) {
          // Who waits for it is told.
          this.#failure ??= cause
        }
      }
      if (log.stats().state !== 'open') throw storeFailure(this.#failure, 'append to the journal')
      const { tree, sequence, checkpoint, lsn } = await recover(log, this.#get)
      await this.#overwrite(sequence)
      this.#tree = tree
      this.#sequence = sequence
      this.#checkpoint = checkpoint
      this.#last = Promise.resolve(lsn)
      this.#failure = undefined
      this.#unanswered.clear()
      // A checkpoint may be among what was taken and not answered.
      this.#options.blocks.noteRetained([...tree.root.roots()])
    } catch (cause) {
      throw storeFailure(cause, 'recover the journal')
    } finally {
      this.#rebuilding = undefined
    }
  }

  /** Sees to it that what could not be appended is never found. What the volume has no room for was not written. */
  async #overwrite(sequence: number): Promise<void> {
    const { log, clock } = this.#options
    try {
      await log.append(encodeResume({ sequence, at: clock() }))
    } catch (cause) {
      if (!(cause instanceof WalError && cause.code === 'WAL_FULL')) throw cause
    }
  }

  async #statOf(entry: Entry): Promise<Stat> {
    if (entry instanceof Folder) {
      const { base, isChanged, newMetadata } = entry
      const written = base && describeNode(base.cid, await this.#get(base.cid))
      const { mode, mtime } = { ...written, ...newMetadata }
      return {
        kind: 'directory',
        ...(isChanged || base === undefined ? {} : base),
        ...checkMetadata({ mode, mtime }),
      }
    }
    const { kind, cid, dagBytes } = entry
    if (kind === 'unknown') return { kind, cid, dagBytes }
    const { size, mode, mtime } = describeNode(cid, await this.#get(cid))
    return { kind, cid, dagBytes, size, ...checkMetadata({ mode, mtime }) }
  }

  /** What is at a path. */
  async #find(names: Names, signal: AbortSignal | undefined): Promise<Entry | undefined> {
    for (;;) {
      signal?.throwIfAborted()
      if (!this.#isWhole) await this.#whole()
      else if (this.#tree.isLoaded(names)) return this.#tree.at(names)
      else await this.#tree.load(names)
    }
  }

  /** Changes the tree, and resolves when that is in the log. Nothing comes between the plan and the change. */
  async #change(
    paths: readonly Names[],
    plan: (tree: Tree) => readonly Step[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    for (;;) {
      throwIfCancelled()
      signal?.throwIfAborted()
      if (!this.#isWhole) {
        await this.#whole()
        continue
      }
      const missing = paths.find((names) => !this.#tree.isLoaded(names))
      if (missing !== undefined) {
        await this.#tree.load(missing)
        continue
      }
      try {
        const steps = plan(this.#tree)
        // Without any, what is wanted is there already: that is answered when it is in the log.
        await (steps.length > 0 ? this.#append(steps) : this.#last)
        return
      } catch (error) {
        if (!(error instanceof EntriesUnknown)) throw error
        await this.#tree.lookInto(error.folder)
      }
    }
  }

  /** Does steps and appends them: in the log they stand in the order in which they were done. */
  async #append(steps: readonly Step[]): Promise<void> {
    const { log, blocks, clock } = this.#options
    const sequence = this.#sequence + 1
    const payload = encodeChange({ sequence, at: clock(), steps })
    if (payload.length > maxRecordBytes) {
      throw new JournalError(
        'JOURNAL_TOO_LARGE',
        `The change takes ${payload.length} bytes of the log; ${maxRecordBytes} is the limit`,
      )
    }
    const displaced = steps.flatMap((step) => this.#tree.displacedBy(step) ?? [])
    this.#unanswered.add(displaced)
    for (const step of steps) this.#tree.apply(step, sequence)
    this.#sequence = sequence
    blocks.noteRetained(steps.flatMap((step) => (step.step === 'put' ? [step.cid] : [])))
    const logged = this.#logged(log.append(payload))
    if (sequence >= this.#dueAt) this.#checkpointBeside()
    await logged
    this.#unanswered.delete(displaced)
  }

  /** Makes a checkpoint while changes go on; if it fails, again after as many of them. */
  #checkpointBeside(): void {
    const { owner, checkpointChanges } = this.#options
    this.#dueAt = this.#sequence + checkpointChanges
    const work = async (): Promise<void> => {
      try {
        await this.checkpoint()
      } catch (error) {
        throwIfCancelled()
        if (!(error instanceof Error)) throw error
        this.#checkpointFailure = error
      }
    }
    owner.spawn(work, { name: 'checkpoint of a journal' })
  }

  /** Waits for an append, and for those before it: one that follows one that has failed is not answered, for it changes what is not there. */
  #logged(append: Promise<number>): Promise<number> {
    this.#last = this.#loggedAfter(this.#last, append)
    return this.#last
  }

  async #loggedAfter(before: Promise<number>, append: Promise<number>): Promise<number> {
    const outcomes = await Promise.allSettled([before, append])
    for (const outcome of outcomes) if (outcome.status === 'rejected') this.#failure ??= outcome.reason
    const [, logged] = outcomes
    if (this.#failure === undefined && logged.status === 'fulfilled') return logged.value
    throw storeFailure(this.#failure, 'append to the journal')
  }
}

function closed(cause?: unknown): JournalError {
  return new JournalError('JOURNAL_CLOSED', 'The journal is closed', { cause })
}

function shown({ root, sequence, at }: CheckpointRecord): Checkpoint {
  return Object.freeze({ cid: root, sequence, at })
}
