/** The public face of an open journal. */
import type { Claim } from '@ipfs-kit/blocks'
import { createLock, shield } from '@ipfs-kit/concurrency'
import type { CID } from 'multiformats/cid'
import { mostCheckpoints, wholeNumber } from './checks.ts'
import { shownCheckpoint, shownRecovery } from './checkpoints.ts'
import { diffTrees } from './diff.ts'
import { TreeFiles } from './files.ts'
import { storeFailure } from './failure.ts'
import { holdTree } from './held-trees.ts'
import { historyOf } from './history.ts'
import { holdDag } from './hold-dag.ts'
import type {
  CallOptions,
  Checkpoint,
  CheckpointOptions,
  Journal,
  JournalStats,
  Recovery,
  Snapshot,
  Transaction,
  TransactionOptions,
  TransactionStatus,
  TreeSample,
} from './journal.ts'
import { rootsOfKept } from './kept.ts'
import type { JournalHealth } from './monitor/health.ts'
import { Monitor } from './monitor/monitor.ts'
import type { CheckedThresholds } from './monitor/thresholds.ts'
import { lossesOf } from './log-damage.ts'
import { LoggedTree, type LoggedTreeOptions } from './logged-tree.ts'
import { type Names, parsePath } from './path.ts'
import { notFound } from './plan.ts'
import { planRestore } from './restore.ts'
import { shownSample } from './samples.ts'
import { checkFree, checkSnapshotName, naming, shownSnapshot, unnaming } from './snapshots.ts'
import { Transactions } from './transactions.ts'
import { Tiering } from './tiers/tiering.ts'
import type { BlocksOptions, JournalTiers, TierMoveReport, TierPin, TierReport } from './tiers/tiers.ts'
import { type Entry, Folder } from './tree/folder.ts'
import { Tree } from './tree/tree.ts'
import { walkTree } from './tree-walk.ts'
import type {
  Difference,
  HistoryOptions,
  KeptReference,
  PathHistory,
  PathOptions,
  RecoverReport,
  TreeDamage,
  TreeReference,
  TreeVerified,
  VerifyOptions,
} from './versions.ts'
import { unfitOf, wholenessOf } from './wholeness.ts'

/** What an open journal is made of. */
export interface OpenedJournalOptions extends Omit<LoggedTreeOptions, 'monitor'> {
  readonly thresholds: CheckedThresholds
  readonly transactionMs: number
  readonly tiers: JournalTiers | undefined
  /** What is closed at the end. */
  readonly resources: AsyncDisposableStack
}

export class OpenedJournal extends TreeFiles implements Journal {
  readonly recovery: Recovery
  readonly #options: OpenedJournalOptions
  readonly #tree: LoggedTree
  readonly #transactions: Transactions
  readonly #monitor: Monitor
  readonly #tiering: Tiering
  readonly #recovering = createLock({ name: 'recoveries of a journal by hand' })
  #closing: Promise<void> | undefined

  constructor(options: OpenedJournalOptions) {
    const { owner, thresholds } = options
    const losses = lossesOf(options.log, options.recovered)
    const monitor = new Monitor({
      owner,
      thresholds,
      look: () => ({ ...sightOf(tree), ...transactions.open(), losses }),
      memoryEntries: () => tree.live.entriesInMemory(),
    })
    const watched = { ...options, monitor }
    const tree = new LoggedTree(watched)
    const transactions = new Transactions({ ...watched, live: tree })
    super(tree, watched)
    this.#options = options
    this.#tree = tree
    this.#transactions = transactions
    this.#monitor = monitor
    this.recovery = shownRecovery(options.recovered, options.log.findings)
    this.#tiering = new Tiering({
      ...{ tree, owner, tiers: options.tiers },
      flush: (path, call) => this.flush(path, call),
    })
    monitor.begin()
  }

  begin(options: TransactionOptions = {}): Transaction {
    this.#tree.checkOpen()
    return this.#transactions.begin(options)
  }

  transaction(id: string): Transaction {
    return this.#transactions.get(id)
  }

  transactions(): readonly TransactionStatus[] {
    return this.#transactions.list()
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
    using _held = this.#tree.held.hold([cid])
    // As it was then: the live one may have changed again.
    return writtenCid(names, await new Tree({ cid, dagBytes }, this.#tree.get).find(names, signal))
  }

  async checkpoint({ keep, signal }: CheckpointOptions = {}): Promise<Checkpoint> {
    if (keep !== undefined) wholeNumber('keep', keep, 1, mostCheckpoints)
    const made = await this.#tree.written(signal)
    if (keep !== undefined) await this.#tree.keepNewest(keep, signal)
    return shownCheckpoint(made)
  }

  checkpoints(): readonly Checkpoint[] {
    return this.#tree.kept.checkpoints.map(shownCheckpoint)
  }

  async snapshot(name: string, { signal }: CallOptions = {}): Promise<Snapshot> {
    checkSnapshotName(name)
    // Before a checkpoint is written for it; once more when it is.
    checkFree(this.#tree.kept.snapshots, name)
    const at = this.#options.clock()
    const checkpoint = await this.#tree.written(signal, naming(name, at))
    return shownSnapshot({ ...checkpoint, name, at })
  }

  snapshots(): readonly Snapshot[] {
    return this.#tree.kept.snapshots.map(shownSnapshot)
  }

  async removeSnapshot(name: string, { signal }: CallOptions = {}): Promise<void> {
    await this.#tree.renamed(unnaming(name), signal)
  }

  async *diff(
    from: TreeReference,
    to: TreeReference,
    { path = '/', signal }: PathOptions = {},
  ): AsyncGenerator<Difference, void, undefined> {
    const names = parsePath(path)
    using before = await holdTree(this.#tree, from, signal)
    using after = await holdTree(this.#tree, to, signal)
    yield* diffTrees(before.tree, after.tree, names, signal)
  }

  async restore(from: KeptReference, { path = '/', signal }: PathOptions = {}): Promise<void> {
    const names = parsePath(path)
    using held = await holdTree(this.#tree, from, signal)
    const { marks } = held.tree
    const cid = writtenCid(names, await held.tree.find(names, signal))
    await this.store(async ({ get, put, signal: both }, lease) => {
      const dag = await holdDag(cid, { get, put, lease, signal: both })
      return () => this.#tree.change([names], (tree) => planRestore(tree, names, dag, marks), signal)
    }, signal)
  }

  async history(path: string, { limit = 100, signal }: HistoryOptions = {}): Promise<PathHistory> {
    const names = parsePath(path)
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > 10_000) {
      throw new RangeError(`limit is a whole number from 1 to 10,000, not ${limit}`)
    }
    try {
      return await historyOf(names, { live: this.#tree, log: this.#options.log, limit, signal })
    } catch (cause) {
      throw storeFailure(cause, 'read the history of a path')
    }
  }

  async *verify({ onProgress, signal }: VerifyOptions = {}): AsyncGenerator<
    TreeDamage,
    TreeVerified,
    undefined
  > {
    using held = await holdTree(this.#tree, 'live', signal)
    const get = (cid: CID) => this.#tree.read(cid, signal)
    return yield* walkTree(held.tree.root, { get, onProgress })
  }

  async recover({ signal }: CallOptions = {}): Promise<RecoverReport> {
    // Who waits for another one finds what that has made.
    using _turn = await this.#recovering.acquire({ signal })
    await this.#tree.whole(signal)
    const { kept } = this.#tree
    const [checkpoint] = kept.checkpoints
    const newest = checkpoint ?? (await this.#tree.written(signal))
    using _held = this.#tree.held.hold(rootsOfKept(kept))
    const get = (cid: CID) => this.#tree.read(cid, signal)
    const wholeness = await wholenessOf(newest, get)
    const unfit = await unfitOf(kept, wholeness, this.#tree.hasBeginning, get)
    if (unfit.size === 0) {
      const { marks } = newest
      // No opening could do without them, and they are in memory.
      if (wholeness.damages.some(({ cid }) => marks?.equals(cid))) await this.#tree.storeMarks()
      return wholeness
    }
    const recovered = await this.#tree.recoverWithout(unfit, signal)
    await this.#tree.written(signal)
    return { ...wholeness, recovery: shownRecovery(recovered, this.recovery.findings) }
  }

  roots(): readonly CID[] {
    return [...this.#liveRoots(), ...this.#tree.keptRoots()]
  }

  claims(): readonly Claim[] {
    const kept = this.#tree.keptRoots()
    return [
      ...this.#liveRoots().map((cid) => ({ cid })),
      ...kept.map((cid) => ({ cid, missing: 'skip' as const })),
    ]
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

  samples(): readonly TreeSample[] {
    return this.#tree.kept.samples.map(shownSample)
  }

  health(): JournalHealth {
    return this.#monitor.health()
  }

  async tiersOf(path: string, options: BlocksOptions = {}): Promise<TierReport> {
    return await this.#tiering.tiersOf(path, options)
  }

  async moveTo(path: string, tier: string, options: BlocksOptions = {}): Promise<TierMoveReport> {
    return await this.#tiering.moveTo(path, tier, options)
  }

  async pinToTier(path: string, tier: string, options: CallOptions = {}): Promise<void> {
    await this.#tiering.pin(path, tier, options)
  }

  async unpinFromTier(path: string, options: CallOptions = {}): Promise<void> {
    await this.#tiering.pin(path, undefined, options)
  }

  tierPins(): readonly TierPin[] {
    return this.#tiering.pins()
  }

  async close(): Promise<void> {
    this.#monitor.close()
    this.#transactions.close()
    this.#tree.close()
    this.#closing ??= shield(() => this.#options.resources.disposeAsync())
    await this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #liveRoots(): CID[] {
    return [...this.#tree.roots(), ...this.#transactions.roots()]
  }
}

/** What the monitor sees of a tree. */
function sightOf({ state: { state, sequence, logBytes }, kept: { checkpoints } }: LoggedTree) {
  const [checkpoint] = checkpoints
  return {
    state,
    changes: sequence,
    changesSinceCheckpoint: sequence - (checkpoint?.sequence ?? 0),
    treeBytes: checkpoint?.dagBytes ?? 0,
    logBytes,
  }
}

/** The CID of what is at a path of a tree that was written. */
function writtenCid(names: Names, entry: Entry | undefined): CID {
  if (entry === undefined) throw notFound(names)
  return entry instanceof Folder ? entry.base!.cid : entry.cid
}
