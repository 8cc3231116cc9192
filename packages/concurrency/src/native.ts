/** The backend on the host's own clock and timers. */
import { host } from '#host'
import { noCounts, type Beginner, type Kernel, type Runnable } from './kernel.ts'
import { ScopeNode } from './scope-node.ts'
import { Timers } from './timers.ts'

/** The longest delay that host timers take. */
const longestTimerMs = 2 ** 31 - 1

const settled = Promise.resolve()

class NativeKernel implements Kernel {
  readonly name = 'native'
  readonly eager = true
  readonly root: ScopeNode = new ScopeNode(this, undefined, 'root', 'native', undefined)
  readonly timers = new Timers()
  readonly counters = noCounts()
  #later: Runnable[] = []
  #armedFor = Infinity
  #disarm: (() => void) | undefined

  now(): number {
    return host.now()
  }

  random(): number {
    return Math.random()
  }

  resume(runnable: Runnable): void {
    runnable.deliver()
  }

  resumeLater(runnable: Runnable): void {
    this.counters.yields += 1
    this.#later.push(runnable)
    if (this.#later.length === 1) {
      host.turn(() => {
        const due = this.#later
        this.#later = []
        for (const one of due) one.deliver()
      })
    }
  }

  begin(task: Beginner): void {
    // One microtask for each: it carries the async context of the caller, which a common one would have of the first.
    void settled.then(() => task.begin())
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
    for (let target = this.timers.take(time); target !== undefined; target = this.timers.take(time))
      target.due()
    if (this.timers.size > 0) this.timerAdded(this.timers.earliest())
  }
}

/** The one native backend of the program. */
export const native: Kernel = new NativeKernel()
