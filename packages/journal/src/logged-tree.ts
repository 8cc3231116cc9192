/** The live tree and its log: the one has what the other tells, change by change. */
import { createLock, type Owner, shield, type Task } from '@ipfs-kit/concurrency'
import type { CidProfile, GetBlock } from '@ipfs-kit/ipfs/unixfs'
import type { Log } from '@ipfs-kit/wal'
import type { CID } from 'multiformats/cid'
import { Appends } from './appends.ts'
import { CheckpointPace } from './checkpoint-pace.ts'
import { CheckpointSpread } from './checkpoint-spread.ts'
import { writeCheckpoint } from './checkpoint.ts'
import { dropLog } from './drop-log.ts'
import { type Effect, stepByStep } from './effect.ts'
import { journalClosed, JournalError } from './errors.ts'
import { storeFailure } from './failure.ts'
import { HeldRoots } from './held-roots.ts'
import { type Kept, recordOf, rootsOfKept } from './kept.ts'
import { KeptTrees } from './kept-trees.ts'
import { liveRoots } from './live-roots.ts'
import type { Monitor } from './monitor/monitor.ts'
import type { TreeBlocks } from './open-journal.ts'
import { type FileTree, type Found, lookAt } from './files.ts'
import { folderAt, type FolderPage, pageOfFolder, type PageRange } from './folder-page.ts'
import { type Mark, markAt } from './marks/marks.ts'
import { storeMarks } from './marks/store-marks.ts'
import type { Names } from './path.ts'
import { publishCheckpoint, publishCheckpointFailure } from './reports.ts'
import { encodeChange, encodeCheckpoint, type KeptTree, type Step } from './record.ts'
import { overwriteFailed, recover, type Recovered, type Unfit } from './recovery.ts'
import { withSample } from './samples.ts'
import type { Naming } from './snapshots.ts'
import type { TreeReader } from './tree-blocks.ts'
import type { Entry } from './tree/folder.ts'
import type { Tree, TreeView } from './tree/tree.ts'
import { type UsableTree, whenLoaded } from './when-loaded.ts'

/** What a tree and its log are made of. */
export interface LoggedTreeOptions {
  readonly log: Log
  readonly blocks: TreeBlocks
  readonly reader: TreeReader
  readonly owner: Owner
  readonly profile: CidProfile
  readonly clock: () => number
  readonly keepCheckpoints: number
  readonly checkpointChanges: number
  readonly checkpointBytes: number
  readonly checkpointMs: number
  readonly recovered: Recovered
  readonly monitor: Monitor
}

/** Is told the steps of each change, and nothing when the tree was made anew. */
export type Watcher = (steps: readonly Step[] | undefined) => void

export class LoggedTree implements FileTree {
  readonly get: GetBlock
  /** The same from the block store, whatever is in memory. */
  readonly read: GetBlock
  readonly watchers = new Set<Watcher>()
  readonly held: HeldRoots
  /** Is told the CIDs of all blocks that a checkpoint has written; nobody listens by default. */
  onWritten: ((cids: ReadonlySet<string>) => void) | undefined
  readonly #options: LoggedTreeOptions
  #tree: Tree
  #sequence: number
  #kept: KeptTrees
  readonly #pace: CheckpointPace
  /** Of a checkpoint that is being made by itself. */
  #spread: CheckpointSpread | undefined
  #appends: Appends
  #rebuilding: Task<Recovered> | undefined
  /** What the tree has not, or no more, and a recovery may find all the same: the log has not answered yet. */
  readonly #unanswered = new Set<readonly Entry[]>()
  readonly #writing = createLock({ name: 'checkpoint of a journal' })
  #isClosed = false

  constructor(options: LoggedTreeOptions) {
    const { reader, recovered } = options
    this.#options = options
    this.held = new HeldRoots(options.blocks)
    this.get = reader.get
    this.read = reader.read
    this.#tree = recovered.tree
    this.#sequence = recovered.sequence
    this.#kept = new KeptTrees(recovered)
    this.#appends = new Appends(recovered.lsn)
    this.#pace = new CheckpointPace({ ...options, write: () => this.#writtenBeside() }, recovered)
  }

  get live(): Tree {
    return this.#tree
  }

  /** The checkpoints and snapshots that are kept. */
  get kept(): Kept {
    return this.#kept.now
  }

  /** Whether the log has all changes that there were. */
  get hasBeginning(): boolean {
    return this.#options.log.stats().firstLsn === 1
  }

  get state() {
    const { log } = this.#options
    return {
      state: this.#isClosed ? 'closed' : log.stats().state === 'open' ? 'open' : 'failed',
      sequence: this.#sequence,
      checkpointFailure: this.#pace.failure,
      logBytes: log.stats().bytes,
    } as const
  }

  /** Of what is in the tree, and of what a recovery may find: the roots of all blocks. */
  roots(): readonly CID[] {
    return liveRoots(this.#tree, [...this.#unanswered].flat())
  }

  /** The same of what is kept besides. */
  keptRoots(): readonly CID[] {
    return [...this.#kept.roots(), ...this.held.roots()]
  }

  /** Resolves when all that was changed is in the log. */
  async answered(): Promise<void> {
    await this.#appends.last
  }

  /** @throws JournalError JOURNAL_CLOSED */
  checkOpen(): void {
    if (this.#isClosed) throw journalClosed()
  }

  /** Takes nothing any more. */
  close(): void {
    this.#isClosed = true
    this.#spread?.hurry()
  }

  /** The tree as it is when this is called, or later, as a checkpoint. */
  async written(signal: AbortSignal | undefined, naming?: Naming): Promise<KeptTree> {
    return await this.#inTurn(async () => {
      const { kept } = this
      const { newest } = this.#kept
      if (newest?.sequence !== this.#sequence) return await this.#write(naming)
      if (naming !== undefined) await this.#keep({ ...kept, snapshots: naming(kept.snapshots, newest) })
      return newest
    }, signal)
  }

  /** The same for nobody in particular, beside the changes that come. */
  async #writtenBeside(): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#kept.newest?.sequence === this.#sequence) return
      this.#spread = new CheckpointSpread()
      if (this.#writing.stats().waiting > 0) this.#spread.hurry()
      try {
        await this.#write()
      } finally {
        this.#spread = undefined
      }
    }, undefined)
  }

  /** Changes only the names: where there is no room to write the tree, a snapshot can go all the same. */
  async renamed(naming: Naming, signal: AbortSignal | undefined): Promise<void> {
    await this.#inTurn(async () => {
      const { newest } = this.#kept
      if (newest === undefined) await this.#write(naming)
      else await this.#keep({ ...this.kept, snapshots: naming(this.kept.snapshots, newest) })
    }, signal)
  }

  /** Stores the attributes and mounts of the newest checkpoint once more. */
  async storeMarks(): Promise<void> {
    await storeMarks(this.#kept.marks, this.#options.blocks)
  }

  /** Lets checkpoints go but for so many, the newest, and the log that is for the others. */
  async keepNewest(count: number, signal: AbortSignal | undefined): Promise<void> {
    await this.#inTurn(async () => {
      const checkpoints = this.kept.checkpoints.slice(0, count)
      if (checkpoints.length > 0) await this.#keep({ ...this.kept, checkpoints })
      await this.#dropLog(count)
    }, signal)
  }

  /** Does something that writes a checkpoint: one after the other. What has begun goes on to its end, for it is everybody's. */
  async #inTurn<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    for (;;) {
      await this.whole(signal)
      this.#spread?.hurry()
      using _turn = await this.#writing.acquire({ signal })
      if (this.#isWhole) return await shield(work)
    }
  }

  async #write(naming: Naming = (snapshots) => snapshots): Promise<KeptTree> {
    const { log, clock, keepCheckpoints, monitor } = this.#options
    const { root, marks } = this.#tree
    const { newest, marks: newestMarks } = this.#kept
    const sequence = this.#sequence
    const { last } = this.#appends
    root.freeze()
    monitor.checkpointBegun()
    this.#pace.begin()
    try {
      const lsn = await last
      const cids = new Set<string>()
      const tree = await writeCheckpoint(root, marks, {
        ...this.#options,
        writtenMarks: newest !== undefined && marks === newestMarks ? { cid: newest.marks } : undefined,
        step: () => this.#spread?.step(),
        onPut: this.onWritten === undefined ? undefined : (cid) => cids.add(cid.toString()),
      })
      const checkpoint: KeptTree = { sequence, lsn, at: clock(), ...tree.kept }
      const { checkpoints, snapshots, samples } = this.kept
      const { at, dagBytes } = checkpoint
      await this.#keep({
        checkpoints: [checkpoint, ...checkpoints].slice(0, keepCheckpoints),
        snapshots: naming(snapshots, checkpoint),
        samples: withSample(samples, [at, sequence, dagBytes, log.stats().bytes]),
      })
      this.#kept.marks = marks
      for (const one of tree.written) one.folder.settle(one.link)
      this.#pace.made()
      monitor.checkpointMade()
      publishCheckpoint({ sequence, bytes: checkpoint.dagBytes })
      this.onWritten?.(cids)
      await this.#dropLog()
      return checkpoint
    } catch (cause) {
      root.thaw()
      const failure = storeFailure(cause, 'write a checkpoint')
      publishCheckpointFailure(failure)
      monitor.checkpointFailed(failure)
      throw failure
    }
  }

  /** Appends the record that tells of what is kept. */
  async #keep(kept: Kept): Promise<void> {
    const { log, blocks } = this.#options
    blocks.noteRetained(rootsOfKept(kept))
    await this.#kept.replace(kept, () => this.#appends.add(log.append(encodeCheckpoint(recordOf(kept)))))
  }

  /** The log is kept since the oldest checkpoint, or from its beginning as long as more of them are to be kept. */
  async #dropLog(keep = this.#options.keepCheckpoints): Promise<void> {
    const { checkpoints } = this.kept
    if (checkpoints.length < keep && this.hasBeginning) return
    const { sequence, lsn } = checkpoints.at(-1)!
    this.#kept.putFolders.forgetUpTo(sequence)
    await dropLog(this.#options.log, lsn + 1)
  }

  /** The tree, if it is what the log tells of; else that is waited for. */
  readonly usable: UsableTree = (signal) => (this.#isWhole ? this.#tree : this.whole(signal))

  get #isWhole(): boolean {
    return !this.#appends.haveFailed && this.#rebuilding === undefined && !this.#isClosed
  }

  /** Waits until the tree is what the log tells of, if an append has failed. */
  async whole(signal: AbortSignal | undefined): Promise<void> {
    this.checkOpen()
    if (this.#appends.haveFailed || this.#rebuilding !== undefined) await this.#rebuilt(signal)
  }

  /**
   * Makes the tree anew from the log, and not with a checkpoint that is unfit. Changes wait for that. If it fails, the tree is as
   * it was.
   */
  async recoverWithout(unfit: Unfit, signal: AbortSignal | undefined): Promise<Recovered> {
    while (!this.#isWhole) await this.whole(signal)
    return await this.#rebuilt(signal, unfit)
  }

  async #rebuilt(signal: AbortSignal | undefined, unfit?: Unfit): Promise<Recovered> {
    const { owner } = this.#options
    this.#rebuilding ??= owner.spawn(() => this.#rebuild(unfit), { name: 'recovery of a journal' })
    try {
      return await this.#rebuilding.join({ signal })
    } catch (cause) {
      signal?.throwIfAborted()
      throw !this.#isClosed ? cause : journalClosed(cause)
    }
  }

  /** What was appended with or after what has failed is in it, or is not. */
  async #rebuild(unfit: Unfit | undefined): Promise<Recovered> {
    const { log } = this.#options
    try {
      this.#spread?.hurry()
      using _turn = await this.#writing.acquire()
      await this.#appends.ended()
      if (log.stats().state !== 'open') throw this.#appends.error()
      const recovered = await recover(log, this.get, unfit)
      await overwriteFailed(log, { sequence: recovered.sequence, at: this.#options.clock() })
      this.#tree = recovered.tree
      for (const watcher of this.watchers) watcher(undefined)
      this.#sequence = recovered.sequence
      this.#kept = new KeptTrees(recovered)
      this.#appends = new Appends(recovered.lsn)
      this.#options.monitor.recovered()
      this.#unanswered.clear()
      // A checkpoint may be among what was taken and not answered.
      this.#options.blocks.noteRetained([...this.roots(), ...this.keptRoots()])
      return recovered
    } catch (cause) {
      throw storeFailure(cause, 'recover the journal')
    } finally {
      this.#rebuilding = undefined
    }
  }

  /** What is at a path. */
  async find(names: Names, signal: AbortSignal | undefined): Promise<Entry | undefined> {
    const { entry } = await this.look(names, signal)
    return entry
  }

  async look(names: Names, signal: AbortSignal | undefined): Promise<Found> {
    return await whenLoaded(
      this.usable,
      () => [names],
      (tree) => lookAt(tree, names),
      signal,
    )
  }

  markAt(names: Names): Mark {
    return markAt(this.#tree.marks, names)
  }

  async page(names: Names, range: PageRange, signal: AbortSignal | undefined): Promise<FolderPage> {
    const folder = folderAt(names, await this.find(names, signal))
    return await pageOfFolder(this.#tree, folder, range, { get: this.get, signal })
  }

  /** Changes the tree, and resolves when that is in the log. Nothing comes between the plan and the change. */
  async change(
    paths: readonly Names[],
    plan: (tree: TreeView) => readonly Step[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await this.changeBy(() => paths, plan, stepByStep, signal)
  }

  /** The same, with an effect on the tree that is that of the steps. */
  async changeBy(
    paths: () => Iterable<Names>,
    plan: (tree: TreeView) => readonly Step[],
    effect: Effect,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const act = (tree: TreeView): Promise<unknown> => {
      const steps = plan(tree)
      // Without any, what is wanted is there already: that is answered when it is in the log.
      return steps.length > 0 ? this.#append(steps, effect) : this.#appends.last
    }
    await this.#options.monitor.timed(() => whenLoaded(this.usable, paths, act, signal))
  }

  /** Does steps and appends them: in the log they stand in the order in which they were done. */
  async #append(steps: readonly Step[], effect: Effect): Promise<void> {
    const { log, blocks, clock, monitor } = this.#options
    const sequence = this.#sequence + 1
    const payload = encodeChange({ sequence, at: clock(), steps })
    this.checkSize(payload.length)
    const displaced = effect.displaced(this.#tree, steps)
    this.#unanswered.add(displaced)
    effect.apply(this.#tree, steps, sequence)
    this.#sequence = sequence
    this.#kept.putFolders.note({ sequence, steps })
    for (const watcher of this.watchers) watcher(steps)
    monitor.changed()
    blocks.noteRetained(steps.flatMap((step) => (step.step === 'put' ? [step.cid] : [])))
    const logged = this.#appends.add(log.append(payload))
    this.#pace.changed(payload.length)
    this.#spread?.changed()
    await logged
    this.#unanswered.delete(displaced)
  }

  /** @throws JournalError JOURNAL_TOO_LARGE for a change that no record holds */
  checkSize(bytes: number): void {
    const { maxRecordBytes } = this.#options.log
    if (bytes <= maxRecordBytes) return
    throw new JournalError(
      'JOURNAL_TOO_LARGE',
      `The change takes ${bytes} bytes of the log; ${maxRecordBytes} is the limit`,
    )
  }
}
