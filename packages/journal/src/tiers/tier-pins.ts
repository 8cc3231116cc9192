/** Keeps what is pinned to a tier there: what comes to a pinned path by a change is moved when the change is in the log. */
import { type Owner, type Scope, sleep, throwIfCancelled } from '@ipfs-kit/concurrency'
import type { GetBlock } from '@ipfs-kit/ipfs/unixfs'
import type { CID } from 'multiformats/cid'
import { JournalError, type JournalErrorCode } from '../errors.ts'
import type { LoggedTree } from '../logged-tree.ts'
import { tierAround, tiersBelow } from '../marks/marks.ts'
import { type Names, namesOf, pathOf } from '../path.ts'
import type { Step } from '../record.ts'
import { type Entry, Folder } from '../tree/folder.ts'
import { checkTier, moveDag, unknownTier } from './block-walk.ts'
import { dagsIn } from './dags-in.ts'
import type { JournalTiers, TierPin } from './tiers.ts'

/** What pins need. */
export interface TierPinsOptions {
  readonly tree: LoggedTree
  readonly tiers: JournalTiers
  readonly owner: Owner
}

/** What has to be moved at a path: all, or the blocks of folders that a checkpoint has written. */
interface Due {
  readonly names: Names
  readonly within: ReadonlySet<string> | undefined
}

/** More paths than these are all that is pinned. */
const maxDue = 10_000
/** What could not be moved is tried again after so long. */
const retryMs = 60_000

export class TierPins {
  readonly #options: TierPinsOptions
  /** By path; the first is moved next. */
  readonly #due = new Map<string, Due>()
  readonly #failed = new Map<string, { readonly due: Due; readonly failure: Error }>()
  /** Blocks that the tier did not take, by the paths of pins. */
  readonly #refused = new Map<string, number>()
  #moving: Due | undefined
  #isMoving = false
  #isToRetry = false

  constructor(options: TierPinsOptions) {
    this.#options = options
    const { tree } = options
    tree.watchers.add((steps) => this.#changed(steps))
    tree.onWritten = (written) => this.#written(written)
    // What was not moved any more before the end of the last opening is not known.
    this.#dueBelow([])
  }

  list(): readonly TierPin[] {
    // By the paths of all that they lie in.
    const due = new Set<string>()
    const failures = new Map<string, Error>()
    for (const one of this.#due.values()) for (const path of pathsTo(one.names)) due.add(path)
    for (const path of pathsTo(this.#moving?.names)) due.add(path)
    for (const { due: one, failure } of this.#failed.values()) {
      for (const path of pathsTo(one.names)) failures.set(path, failure)
    }
    const pins = this.#pinsBelow([]).map(({ names, tier }): TierPin => {
      const path = pathOf(names)
      const failure = unknownTier(this.#options.tiers, tier) ?? failures.get(path)
      const state = failure !== undefined ? 'failed' : due.has(path) ? 'moving' : 'moved'
      const refused = this.#refused.get(path) ?? 0
      return Object.freeze({ path, tier, state, refused, ...(failure && { failure }) })
    })
    return pins.toSorted((left, right) => (left.path < right.path ? -1 : 1))
  }

  #changed(steps: readonly Step[] | undefined): void {
    const { marks } = this.#options.tree.live
    if (marks === undefined || marks.tiers === 0) return
    if (steps === undefined) this.#dueBelow([])
    for (const step of steps ?? []) {
      const path = 'to' in step ? step.to : movesTo.has(step.step) ? step.path : undefined
      if (path === undefined) continue
      const names = namesOf(path)
      if (tierAround(marks, names) !== undefined) this.#isDue(names)
      this.#dueBelow(names)
    }
  }

  #written(written: ReadonlySet<string>): void {
    for (const { names } of this.#pinsBelow([])) this.#isDue(names, written)
  }

  /** What is pinned at a path and below; what is pinned in another pin comes after it. */
  #dueBelow(names: Names): void {
    for (const pin of this.#pinsBelow(names)) this.#isDue(pin.names)
  }

  #pinsBelow(names: Names): { readonly names: Names; readonly tier: string }[] {
    return [...tiersBelow(this.#options.tree.live.marks, names)]
  }

  #isDue(names: Names, within?: ReadonlySet<string>): void {
    const path = pathOf(names)
    const before = this.#due.get(path)
    const isAll = within === undefined || (before !== undefined && before.within === undefined)
    // Of several checkpoints the blocks of all.
    const both = before?.within === undefined ? within : new Set([...before.within, ...(within ?? [])])
    this.#due.delete(path)
    this.#due.set(path, { names, within: isAll ? undefined : both })
    // Twice as many as there are pins, so that not each one more leads here again.
    if (this.#due.size > Math.max(maxDue, 2 * (this.#options.tree.live.marks?.tiers ?? 0))) {
      this.#due.clear()
      for (const pin of this.#pinsBelow([])) this.#due.set(pathOf(pin.names), { ...pin, within: undefined })
    }
    const { owner } = this.#options
    // A checkpoint may come to its end after the journal was closed.
    if (this.#isMoving || owner.stats().closed) return
    this.#isMoving = true
    owner.spawn((task) => this.#moveAll(task), { name: 'moves to tiers' })
  }

  async #moveAll(task: Scope): Promise<void> {
    for (;;) {
      const [first] = this.#due
      if (first === undefined) break
      const [path, due] = first
      this.#due.delete(path)
      this.#moving = due
      try {
        await this.#move(due, task.signal)
        this.#failed.delete(path)
      } catch (failure) {
        throwIfCancelled()
        if (!(failure instanceof Error)) throw failure
        // Of a tier that is not there the pins tell.
        if (hasCode(failure, 'JOURNAL_TIER_UNKNOWN')) continue
        this.#failed.set(path, { due, failure })
        if (!hasCode(failure, 'JOURNAL_FAILED')) this.#retryLater()
      }
    }
    this.#moving = undefined
    this.#isMoving = false
  }

  async #move({ names, within }: Due, signal: AbortSignal): Promise<void> {
    const { tree, tiers } = this.#options
    try {
      await tree.answered()
    } catch {
      throwIfCancelled()
      // Who has made the change is told; the tree is made anew, and all is due again.
      await tree.whole(signal)
    }
    const entry = await tree.find(names, signal)
    const pin = tierAround(tree.live.marks, names)
    if (entry === undefined || pin === undefined) return
    const path = pathOf(names.slice(0, pin.depth))
    if (within === undefined && pin.depth === names.length) this.#refused.delete(path)
    checkTier(tiers, pin.tier)
    const now = entry instanceof Folder ? entry.copy(0) : entry
    const roots = rootsOf(now)
    using _held = tree.held.hold(roots)
    const get: GetBlock = (cid) => tree.get(cid, signal)
    const dags = within === undefined ? dagsIn(now, get) : roots.map((root) => ({ root, within }))
    for await (const dag of dags) {
      const walk = { get: tree.get, signal, within: dag.within }
      const { refused } = await moveDag(dag.root, pin.tier, tiers, walk)
      if (refused > 0) this.#refused.set(path, (this.#refused.get(path) ?? 0) + refused)
    }
  }

  #retryLater(): void {
    if (this.#isToRetry) return
    this.#isToRetry = true
    const retry = async (): Promise<void> => {
      await sleep(retryMs)
      this.#isToRetry = false
      const again = [...this.#failed.values()]
      this.#failed.clear()
      for (const { due } of again) this.#isDue(due.names, due.within)
    }
    this.#options.owner.spawn(retry, { name: 'moves to tiers that are tried again' })
  }
}

/** Steps by which something comes to their path. */
const movesTo: ReadonlySet<Step['step']> = new Set(['put', 'tier'])

function hasCode(failure: Error, code: JournalErrorCode): boolean {
  return failure instanceof JournalError && failure.code === code
}

/** A path, and those of all folders that it is in. */
function* pathsTo(names: Names | undefined): Generator<string, void, undefined> {
  if (names === undefined) return
  for (let depth = 0; depth <= names.length; depth += 1) yield pathOf(names.slice(0, depth))
}

/** The DAGs in which all is that an entry is made of. */
function rootsOf(entry: Entry): CID[] {
  return entry instanceof Folder ? [...entry.roots()] : [entry.cid]
}
