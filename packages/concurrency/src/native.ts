/** The backend on the host's own clock and timers. */
import { host } from '#host'
import { noCounts, overdraft, type Beginner, type Kernel, type Runnable } from './kernel.ts'
import { Ring } from './ring.ts'
import { ScopeNode } from './scope-node.ts'
import { Timers } from './timers.ts'

/** The longest delay that host timers take. */
const longestTimerMs = 2 ** 31 - 1

/** Waits that go on in one turn of the event loop. A turn costs as much as a dozen of them. */
const waitsPerTurn = 1024

const settled = Promise.resolve()

class NativeKernel implements Kernel {
  readonly name = 'native'
  readonly eager = true
  credit = waitsPerTurn
  readonly root: ScopeNode = new ScopeNode(this, undefined, 'root', 'native', undefined)
  readonly timers = new Timers()
  readonly counters = noCounts()
  /** Tasks that have not begun, in the order in which they will. */
  readonly #beginning = new Ring<Beginner>()
  readonly #beginNext = () => this.#beginning.shift().begin()
  #later: Runnable[] = []
  #turnAsked = false
  /** The next turn of the event loop, where tasks wait for it. */
  #turn: Promise<void> | undefined
  #turned: () => void = () => undefined
  #armedFor = Infinity
  #disarm: (() => void) | undefined

  now(): number {
    return host.now()
  }

  random(): number {
    return Math.random()
  }

  resume(runnable: Runnable): void {
    this.resumeLater(runnable)
  }

  resumeLater(runnable: Runnable): void {
    this.counters.yields += 1
    this.#later.push(runnable)
    this.#askForTurn()
  }

  begin(task: Beginner): void {
    // One microtask for each: it carries the async context of the caller, which a common one would have of the first.
    this.#beginning.push(task)
    void this.#soon().then(this.#beginNext)
  }

  timerAdded(time: number): void {
    if (time >= this.#armedFor) return
    this.#disarm?.()
    this.#arm(time)
  }

  timerRemoved(): void {
    // A host timer that is too early costs one look; taking it back for each change would cost more.
    if (this.timers.size > 0) return
    this.#disarm?.()
    this.#disarm = undefined
    this.#armedFor = Infinity
  }

  parked(): void {}

  /** When the next task begins: in this turn of the event loop, or in the next one if this one had enough. */
  #soon(): Promise<void> {
    if (this.credit > -overdraft) {
      this.credit -= 1
      return settled
    }
    this.#turn ??= new Promise((resolve) => {
      this.#turned = resolve
    })
    this.#askForTurn()
    return this.#turn
  }

  #askForTurn(): void {
    if (this.#turnAsked) return
    this.#turnAsked = true
    host.turn(() => {
      this.#turnAsked = false
      this.credit = waitsPerTurn
      this.#turn = undefined
      this.#turned()
      const due = this.#later
      this.#later = []
      for (const one of due) one.deliver()
    })
  }

  #arm(at: number): void {
    this.#armedFor = at
    // Host timers may be early by less than a millisecond: rounded up, they are not.
    const ms = Math.min(longestTimerMs, Math.max(0, Math.ceil(at - host.now())))
    this.#disarm = host.timer(ms, () => this.#fire())
  }

  #fire(): void {
    this.#disarm = undefined
    this.#armedFor = Infinity
    const time = host.now()
    try {
      for (let target = this.timers.take(time); target !== undefined; target = this.timers.take(time)) {
        target.due()
      }
    } finally {
      if (this.timers.size > 0) this.timerAdded(this.timers.earliest())
    }
  }
}

/** The one native backend of the program. */
export const native: Kernel = new NativeKernel()
