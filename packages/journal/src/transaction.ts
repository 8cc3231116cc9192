/** A transaction: its own view of the tree, and the steps that it will append as one change. */
import { randomUUID } from 'node:crypto'
import { now } from '@ipfs-kit/concurrency'
import type { GetBlock } from '@ipfs-kit/ipfs/unixfs'
import type { CID } from 'multiformats/cid'
import { JournalError, type JournalErrorCode } from './errors.ts'
import { type FileTree, type Found, lookAt, TreeFiles, type TreeFilesOptions } from './files.ts'
import type { Effect } from './effect.ts'
import { folderAt, type FolderPage, pageOfFolder, type PageRange } from './folder-page.ts'
import type { HeldRoots } from './held-roots.ts'
import type { CallOptions, ListOptions, ListPage, Stat, Transaction, TransactionStatus } from './journal.ts'
import type { LoggedTree, Watcher } from './logged-tree.ts'
import type { Names } from './path.ts'
import { type Mark, markAt } from './marks/marks.ts'
import { encodeChange, type Step } from './record.ts'
import type { Entry } from './tree/folder.ts'
import { Overlay } from './tree/overlay.ts'
import type { TreeView } from './tree/tree.ts'
import { type UsableTree, whenLoaded } from './when-loaded.ts'

/** What a transaction is made of. */
export interface OpenTransactionOptions extends TreeFilesOptions {
  readonly name: string
  readonly live: LoggedTree
  readonly clock: () => number
  /** Is called once, when it has ended. */
  readonly onEnd: (transaction: OpenTransaction) => void
}

type State = TransactionStatus['state']
type EndedByUs = Extract<State, 'rolled-back' | 'expired'>

const tellsOfBelow: ReadonlySet<JournalErrorCode> = new Set(['JOURNAL_NOT_EMPTY', 'JOURNAL_MOUNTED'])

/** Bytes of a record beside its steps. */
const recordOverhead = 64

export class OpenTransaction extends TreeFiles implements Transaction {
  readonly id = randomUUID()
  readonly #view: TransactionView

  constructor(options: OpenTransactionOptions) {
    const view = new TransactionView(options)
    super(view, options)
    this.#view = view
    view.onEnd = () => options.onEnd(this)
  }

  override async stat(path: string, options: CallOptions = {}): Promise<Stat> {
    return withoutFolderCid(await super.stat(path, options))
  }

  override async ls(path: string, options: ListOptions = {}): Promise<ListPage> {
    const { entries, ...page } = await super.ls(path, options)
    return { entries: entries.map(withoutFolderCid), ...page }
  }

  async commit({ signal }: CallOptions = {}): Promise<void> {
    await this.#view.commit(signal)
  }

  async rollback(): Promise<void> {
    this.end('rolled-back')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rollback()
  }

  status(): TransactionStatus {
    return Object.freeze({ id: this.id, ...this.#view.status() })
  }

  /** Forgets the changes, if it is open. */
  end(state: EndedByUs): void {
    this.#view.end(state)
  }

  /** The roots of what it has changed. */
  roots(): Iterable<CID> {
    return this.#view.roots()
  }
}

class TransactionView implements FileTree {
  onEnd: (() => void) | undefined
  readonly get: GetBlock
  readonly held: HeldRoots
  readonly #options: OpenTransactionOptions
  readonly #live: LoggedTree
  readonly #beganAt: number
  /** The same, and the end, by a clock that does not jump. */
  readonly #began: number
  #overlay: Overlay
  #stepCount = 0
  #bytes = recordOverhead
  #state: State = 'open'
  #endAfterCommit: EndedByUs | undefined
  #conflict: { readonly path?: string } | undefined
  #ended: number | undefined

  constructor(options: OpenTransactionOptions) {
    const { live, clock } = options
    this.#options = options
    this.#live = live
    this.get = live.get
    this.held = live.held
    this.#beganAt = clock()
    this.#began = this.#now()
    this.#overlay = new Overlay(() => live.live)
    live.watchers.add(this.#watch)
  }

  status(): Omit<TransactionStatus, 'id'> {
    return {
      name: this.#options.name,
      state: this.#state,
      beganAt: this.#beganAt,
      openMs: (this.#ended ?? this.#now()) - this.#began,
      steps: this.#stepCount,
      ...(this.#conflict?.path !== undefined && { conflict: this.#conflict.path }),
    }
  }

  roots(): Iterable<CID> {
    return this.#overlay.roots()
  }

  async whole(signal: AbortSignal | undefined): Promise<void> {
    this.#check()
    await this.#live.whole(signal)
  }

  async find(names: Names, signal: AbortSignal | undefined): Promise<Entry | undefined> {
    const { entry } = await this.look(names, signal)
    return entry
  }

  async look(names: Names, signal: AbortSignal | undefined): Promise<Found> {
    return await whenLoaded(
      this.#usable,
      () => [names],
      (view) => lookAt(view, names),
      signal,
    )
  }

  markAt(names: Names): Mark {
    this.#overlay.used.use(names)
    return markAt(this.#overlay.marks, names)
  }

  async page(names: Names, range: PageRange, signal: AbortSignal | undefined): Promise<FolderPage> {
    for (;;) {
      const listed = (): Entry | undefined => this.#overlay.listed(names)
      const folder = folderAt(names, await whenLoaded(this.#usable, () => [names], listed, signal))
      try {
        return await pageOfFolder(this.#live.live, folder, range, { get: this.get, signal })
      } catch (error) {
        this.#check()
        signal?.throwIfAborted()
        // Of a folder that was written anew meanwhile the old blocks may be gone.
        if (this.#overlay.isCurrent(names, folder)) throw error
      }
    }
  }

  async change(
    paths: readonly Names[],
    plan: (tree: TreeView) => readonly Step[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const act = (view: TreeView): void => {
      const steps = this.#planned(plan, view, paths)
      const bytes = this.#bytes + encodeChange({ sequence: 0, at: 0, steps }).length
      this.#live.checkSize(bytes)
      this.#bytes = bytes
      for (const step of steps) this.#overlay.apply(step)
      this.#stepCount += steps.length
      this.#options.blocks.noteRetained(steps.flatMap((step) => (step.step === 'put' ? [step.cid] : [])))
    }
    await whenLoaded(this.#usable, () => paths, act, signal)
  }

  async commit(signal: AbortSignal | undefined): Promise<void> {
    this.#check()
    const overlay = this.#overlay
    this.#state = 'committing'
    const plan = (): readonly Step[] => {
      this.#checkConflict()
      // From here on it is not its own changes that it is told of.
      this.#live.watchers.delete(this.#watch)
      return overlay.steps
    }
    const effect: Effect = {
      displaced: () => [...overlay.displaced()],
      apply: (tree, _, version) => overlay.graft(tree, version),
    }
    try {
      await this.#live.changeBy(() => overlay.paths(), plan, effect, signal)
      this.#finish('committed')
    } catch (error) {
      this.#checkConflict()
      // Until it was appended nothing has become of it.
      if (this.#live.watchers.has(this.#watch)) this.#reopen()
      else this.#finish('rolled-back')
      throw error
    }
  }

  end(state: EndedByUs): void {
    if (this.#state === 'open') this.#finish(state)
    // Whoever commits may give up and go on with it.
    else if (this.#state === 'committing') this.#endAfterCommit = state
  }

  /** Some refusals tell of what is anywhere below the paths. */
  #planned(
    plan: (tree: TreeView) => readonly Step[],
    view: TreeView,
    paths: readonly Names[],
  ): readonly Step[] {
    try {
      return plan(view)
    } catch (error) {
      if (error instanceof JournalError && tellsOfBelow.has(error.code)) {
        for (const names of paths) this.#overlay.used.useAll(names)
      }
      throw error
    }
  }

  readonly #usable: UsableTree = (signal) => {
    this.#check()
    const live = this.#live.usable(signal)
    return live instanceof Promise ? live : this.#overlay
  }

  readonly #watch: Watcher = (steps) => {
    if (steps === undefined) this.#conflict = {}
    for (const step of steps ?? []) {
      const path = this.#overlay.used.changedBy(step)
      if (path !== undefined) this.#conflict ??= { path }
    }
    if (this.#conflict !== undefined) this.#finish('conflict')
  }

  #reopen(): void {
    this.#state = 'open'
    if (this.#endAfterCommit !== undefined) this.#finish(this.#endAfterCommit)
  }

  #finish(state: State): void {
    this.#state = state
    this.#ended = this.#now()
    this.#live.watchers.delete(this.#watch)
    this.#overlay = new Overlay(() => this.#live.live)
    this.onEnd?.()
  }

  #now(): number {
    return now({ scope: this.#options.owner.scope })
  }

  #check(): void {
    this.#checkConflict()
    if (this.#state === 'open') return
    const { name } = this.#options
    throw new JournalError('JOURNAL_TRANSACTION_ENDED', `The transaction ${name} ${endings[this.#state]}`)
  }

  #checkConflict(): void {
    if (this.#conflict === undefined) return
    const { path } = this.#conflict
    const what = path === undefined ? 'the journal had to recover' : `${path} has changed`
    throw new JournalError(
      'JOURNAL_CONFLICT',
      `The transaction ${this.#options.name} was rolled back: ${what}`,
    )
  }
}

/** The CID of a folder tells of all that is below, which would be used then. */
function withoutFolderCid<Shown extends Stat>(stat: Shown): Shown {
  if (stat.kind !== 'directory') return stat
  const { cid: _, dagBytes: __, ...shown } = stat
  // Both may be absent.
  return shown as Shown
}

const endings: Readonly<Record<State, string>> = {
  open: 'is open',
  committing: 'is being committed',
  committed: 'was committed',
  'rolled-back': 'was rolled back',
  expired: 'was open for too long, and was rolled back',
  conflict: 'was rolled back',
}
