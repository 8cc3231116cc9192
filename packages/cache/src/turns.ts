/** Whose turn it is among loaders, of which one may wait for another. */
import { cancelScope, createSemaphore, type Permit, type Scope, type Semaphore } from '@ipfs-kit/concurrency'

/** A loader that has its turn, or waits for it. */
export interface Turn {
  /** What it waits for itself, once for each wait. */
  readonly waitsFor: Turn[]
  /** More than that of each loader that waits for it. */
  depth: number
  /** While it waits for its turn. */
  queue: Scope | undefined
}

/**
 * Turns of loaders: so many run at once, and as many more of those that they wait for, and so on. If they shared turns, all
 * might be had by loaders that wait for one which has none.
 */
export class Turns {
  readonly #most: number
  /** By depth. */
  readonly #turns: Semaphore[] = []

  constructor(most: number) {
    this.#most = most
  }

  async take(turn: Turn): Promise<Permit> {
    for (;;) {
      const turns = (this.#turns[turn.depth] ??= createSemaphore(this.#most))
      const permit = turns.tryAcquire() ?? (await this.#queue(turn, turns))
      if (permit !== undefined) return permit
    }
  }

  /** One turn, or `undefined` if it is for another depth by now. */
  #queue(turn: Turn, turns: Semaphore): Promise<Permit | undefined> {
    return cancelScope((queue) => {
      turn.queue = queue
      return turns.acquire()
    })
  }
}

/** Notes that a loader waits for another one. False if that waits for the first, so that neither would end. */
export function beginWait(from: Turn, to: Turn): boolean {
  if (reaches(to, from, new Set())) return false
  from.waitsFor.push(to)
  deepen(to, from.depth + 1)
  return true
}

export function endWait(from: Turn, to: Turn): void {
  from.waitsFor.splice(from.waitsFor.indexOf(to), 1)
}

function reaches(from: Turn, to: Turn, seen: Set<Turn>): boolean {
  if (from === to) return true
  if (seen.has(from)) return false
  seen.add(from)
  return from.waitsFor.some((next) => reaches(next, to, seen))
}

function deepen(turn: Turn, depth: number): void {
  if (turn.depth >= depth) return
  turn.depth = depth
  turn.queue?.cancel()
  for (const next of turn.waitsFor) deepen(next, depth + 1)
}
