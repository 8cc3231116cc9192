/** Those who follow operations, each with a bounded list of what waits for it. */
import { createEvent, type Event } from '@ipfs-kit/concurrency'
import { matches } from '../store/memory-index.ts'
import type { OperationFilter } from '../store/operation-index.ts'
import type { MissedChanges, OperationChange } from './wal.ts'

/** Which changes a follower is given. */
export interface FollowFilter extends OperationFilter {
  readonly id?: number
}

/** What waits for one follower: of each operation the latest, in the order of LSNs. */
export class Follower {
  readonly #filter: FollowFilter
  readonly #most: number
  readonly #waiting = new Map<number, OperationChange>()
  #missed: MissedChanges | undefined
  #arrival: Event | undefined
  #isEnded = false

  constructor(filter: FollowFilter, most: number) {
    this.#filter = filter
    this.#most = most
  }

  /** A change has come. What does not fit is missed: the oldest. */
  give(change: OperationChange): void {
    const { id } = change.operation
    if (!wants(this.#filter, change)) return
    this.#waiting.delete(id)
    this.#waiting.set(id, change)
    if (this.#waiting.size > this.#most) this.#miss()
    this.#arrival?.set()
  }

  end(): void {
    this.#isEnded = true
    this.#arrival?.set()
  }

  /** What was missed, or the next change; undefined if there will be none. Waits for one. */
  async next(signal: AbortSignal | undefined): Promise<MissedChanges | OperationChange | undefined> {
    for (;;) {
      signal?.throwIfAborted()
      const missed = this.#missed
      this.#missed = undefined
      if (missed !== undefined) return missed
      for (const [id, change] of this.#waiting) {
        this.#waiting.delete(id)
        return change
      }
      if (this.#isEnded) return undefined
      this.#arrival = createEvent({ name: 'change of an operation' })
      await this.#arrival.wait({ signal })
    }
  }

  #miss(): void {
    for (const [id, { lsn }] of this.#waiting) {
      this.#waiting.delete(id)
      this.#missed = { missedAfter: this.#missed?.missedAfter ?? lsn - 1, missedThrough: lsn }
      return
    }
  }
}

/** Whether a change passes a filter. */
export function wants({ id, ...filter }: FollowFilter, { operation }: OperationChange): boolean {
  return (id === undefined || id === operation.id) && matches(operation, filter)
}

/** All followers. */
export class Followers {
  readonly #all = new Set<Follower>()
  /** The LSN up to which all changes were given. */
  #through: number

  constructor(through: number) {
    this.#through = through
  }

  get size(): number {
    return this.#all.size
  }

  get through(): number {
    return this.#through
  }

  /** Begins with what changes from now on. */
  add(follower: Follower): Disposable {
    this.#all.add(follower)
    return {
      [Symbol.dispose]: () => {
        this.#all.delete(follower)
      },
    }
  }

  /** A change. They come in the order of LSNs. */
  give(change: OperationChange): void {
    this.#through = Math.max(this.#through, change.lsn)
    for (const follower of this.#all) follower.give(change)
  }

  /** An operation has told of progress that is not written: there is no LSN of it, and nothing behind it is skipped by it. */
  show(makeShown: () => OperationChange['operation'] | undefined): void {
    if (this.#all.size === 0) return
    const operation = makeShown()
    if (operation === undefined) return
    for (const follower of this.#all) follower.give({ lsn: this.#through, operation })
  }

  end(): void {
    for (const follower of this.#all) follower.end()
  }
}
