/** Signals of the system, one after the other. */
import { constants } from 'node:os'
import type { WaitOptions } from '../scope.ts'
import { suspend } from '../suspend.ts'

/** Signals as they come. While it is open they do not end the program. */
export interface Signals extends AsyncIterableIterator<NodeJS.Signals>, Disposable {
  /**
   * Waits for the next signal, and holds the program open meanwhile. A signal that comes several times before it is
   * taken is given once. After the end it is `{ done: true }`.
   */
  next(options?: WaitOptions): Promise<IteratorResult<NodeJS.Signals, undefined>>
  /** Ends it, also for those who wait: signals have their usual effect again. */
  return(): Promise<IteratorResult<NodeJS.Signals, undefined>>
  [Symbol.asyncIterator](): Signals
}

/** Signals that a program is not told of. */
const unseen = new Set<string>(['SIGKILL', 'SIGSTOP'])

/** The longest that a timer of the host can wait, in milliseconds. */
const longestTimerMs = 2 ** 31 - 1

/**
 * Listens to signals of the system from this call on until it is disposed of, or a loop over it is left. Threads are not
 * told of signals: for the main one.
 *
 * @param names - which. Default: SIGINT and SIGTERM
 * @throws TypeError if there are none, or a name is none of a signal that a program can see
 */
export function signals(names: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM']): Signals {
  if (!Array.isArray(names) || names.length === 0) {
    throw new TypeError('signals takes an array of at least one name')
  }
  for (const name of names as readonly unknown[]) {
    if (typeof name !== 'string' || !Object.hasOwn(constants.signals, name) || unseen.has(name)) {
      throw new TypeError(`${String(name)} is not a signal that a program can see`)
    }
  }
  return new SignalQueue(names)
}

type Received = IteratorResult<NodeJS.Signals, undefined>

class SignalQueue implements Signals {
  readonly #listeners = new Map<NodeJS.Signals, () => void>()
  /** Came and were not taken: each name once, the oldest first. */
  readonly #pending = new Set<NodeJS.Signals>()
  /** Who waits, the oldest first. */
  readonly #waiting = new Set<(received: Received) => void>()
  /** Listening does not hold a program open, waiting does. */
  #hold: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(names: readonly NodeJS.Signals[]) {
    for (const name of new Set(names)) {
      const listener = (): void => this.#came(name)
      this.#listeners.set(name, listener)
      process.on(name, listener)
    }
  }

  next(options?: WaitOptions): Promise<Received> {
    return suspend<Received>(
      (resume) => {
        const resolve = (received: Received): void => resume.resolve(received)
        const [first] = this.#pending
        if (this.#isClosed) resolve({ done: true, value: undefined })
        else if (first !== undefined) {
          this.#pending.delete(first)
          resolve({ done: false, value: first })
        } else {
          this.#waiting.add(resolve)
          this.#hold ??= setInterval(() => undefined, longestTimerMs)
        }
        return () => this.#leave(resolve)
      },
      { ...options, what: `signal ${[...this.#listeners.keys()].join(' or ')}` },
    )
  }

  async return(): Promise<Received> {
    this[Symbol.dispose]()
    return { done: true, value: undefined }
  }

  [Symbol.dispose](): void {
    this.#isClosed = true
    for (const [name, listener] of this.#listeners) process.off(name, listener)
    this.#pending.clear()
    for (const resolve of this.#waiting) {
      this.#leave(resolve)
      resolve({ done: true, value: undefined })
    }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #came(name: NodeJS.Signals): void {
    const [first] = this.#waiting
    if (first === undefined) {
      this.#pending.add(name)
      return
    }
    this.#leave(first)
    first({ done: false, value: name })
  }

  #leave(waiting: (received: Received) => void): void {
    this.#waiting.delete(waiting)
    if (this.#waiting.size > 0) return
    clearInterval(this.#hold)
    this.#hold = undefined
  }
}
