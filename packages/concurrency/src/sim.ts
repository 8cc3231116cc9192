/** The simulated backend: virtual time, and an order of events that a seed chooses. */
import { host } from '#host'
import { ConcurrencyError, describeThrown, type ConcurrencyErrorCode } from './errors.ts'
import { noCounts, type Beginner, type Kernel, type Runnable } from './kernel.ts'
import { ScopeNode } from './scope-node.ts'
import { SeededRandom } from './seeded-random.ts'
import { taskOf, type SimOrder } from './sim-order.ts'
import { Timers } from './timers.ts'
import { formatTree } from './tree.ts'
import { ready, Wait, type AnyWait } from './wait.ts'

/** What a run is given beside its seed. */
export interface SimSettings {
  readonly maxSteps: number
  readonly trace: ((line: string) => void) | undefined
  /** Told of each wait that is parked, of each that is settled, before it goes on, and of each step. */
  readonly watch: SimWatch | undefined
}

/** Sees the waits of a run. What `act` gets is called at the next step, when nothing else runs. */
export interface SimWatch {
  parked(wait: AnyWait, act: (action: () => void) => void): void
  settled(runnable: Runnable, act: (action: () => void) => void): void
  /** Told after each step, when nothing runs. */
  stepped(): void
}

/** Steps after which the real event loop gets a turn. */
const stepsPerTurn = 1024

export class SimKernel implements Kernel {
  readonly name = 'sim'
  readonly eager = false
  credit = 0
  readonly root: ScopeNode
  readonly timers = new Timers()
  readonly counters = noCounts()
  readonly #settings: SimSettings
  readonly #order: SimOrder
  readonly #random: SeededRandom
  readonly #ready: Runnable[] = []
  readonly #later: Runnable[] = []
  readonly #actions: (() => void)[] = []
  readonly #ids = new WeakMap<ScopeNode, number>()
  #nextId = 0
  #time = 0
  #step = 0
  #limit: number
  #idle = 0
  #failure: ConcurrencyError | undefined
  #over: (() => boolean) | undefined
  #finish: (() => void) | undefined
  #crash: (error: unknown) => void = () => undefined

  constructor(seed: number, order: SimOrder, settings: SimSettings) {
    this.#settings = settings
    this.#order = order
    this.#limit = settings.maxSteps
    this.#random = new SeededRandom(seed, 1)
    this.root = new ScopeNode(this, undefined, 'root', 'sim', undefined)
  }

  /** Steps taken. */
  get steps(): number {
    return this.#step
  }

  now(): number {
    return this.#time
  }

  random(): number {
    return this.#random.fraction()
  }

  resume(runnable: Runnable): void {
    // What is still waited for when the run is over goes on without an order.
    if (this.#finish === undefined) {
      runnable.deliver()
      return
    }
    this.#ready.push(runnable)
    this.#settings.watch?.settled(runnable, (action) => this.#actions.push(action))
  }

  resumeLater(runnable: Runnable): void {
    if (this.#finish === undefined) host.turn(() => runnable.deliver())
    else this.#later.push(runnable)
  }

  begin(task: Beginner): void {
    void ready(task, 'begin', task, undefined).then(() => task.begin())
  }

  timerAdded(): void {}

  timerRemoved(): void {}

  parked(wait: AnyWait): void {
    this.#settings.watch?.parked(wait, (action) => this.#actions.push(action))
  }

  /** Whether it takes steps. */
  get running(): boolean {
    return this.#finish !== undefined
  }

  /** Cancels everything in the run, from outside it. */
  cancel(reason: unknown): void {
    this.#actions.push(() => this.root.cancelWith('signal', () => reason))
  }

  /** Takes steps until `over()` holds when nothing can go on. Resolves with what went wrong with the run itself. */
  async drive(begin: () => void, over: () => boolean): Promise<ConcurrencyError | undefined> {
    const belongs = (ambient: object) => ambient instanceof ScopeNode && ambient.kernel === this
    const unwatchForeign = host.watchForeign(belongs, (what, stack) =>
      this.#fail('CONCURRENCY_SIM_FOREIGN', `${running()} began real work (${what})\n${stack}`),
    )
    const unwatchRejections = host.watchRejections(belongs, (error) =>
      this.#fail('CONCURRENCY_SIM_UNHANDLED', unhandled(error), { cause: error }),
    )
    try {
      await new Promise<void>((resolve, reject) => {
        this.#finish = resolve
        this.#crash = reject
        this.#over = over
        begin()
        this.#soon()
      })
      this.#finish = undefined
      // The host tells of rejections when it is idle.
      await new Promise<void>((resolve) => host.turn(resolve))
      return this.#failure
    } finally {
      this.#finish = undefined
      unwatchForeign()
      unwatchRejections()
    }
  }

  /** Takes the next step when everything that the last one led to has run. */
  readonly #soon = host.whenQuiet(() => this.#next())

  /** What a function of the user's throws that is called here, as `trace`, ends the run. */
  readonly #next = (): void => {
    try {
      this.#takeStep()
    } catch (error) {
      this.#crash(error)
    }
  }

  #takeStep(): void {
    if (this.#actions.length > 0) {
      this.#actions.shift()!()
      this.#soon()
      return
    }
    if (this.#ready.length === 0 && !this.#findReady()) return
    this.#idle = 0
    this.#step += 1
    if (this.#step > this.#limit && this.#tooLong()) return
    this.#release()
    if (this.#step % stepsPerTurn === 0) host.turn(this.#next)
    else this.#soon()
  }

  /** Lets one of the ready go on. */
  #release(): void {
    const ready = this.#ready
    const at = this.#order.pick(ready, this.#step)
    const chosen = ready[at]!
    const last = ready.pop()!
    if (at < ready.length) ready[at] = last
    const { trace, watch } = this.#settings
    if (trace !== undefined) trace(this.#line(chosen))
    chosen.deliver()
    if (watch !== undefined) this.#actions.push(() => watch.stepped())
  }

  /** Nothing is ready: looks for what waits for the others, moves the clock, or ends the run. */
  #findReady(): boolean {
    if (this.#later.length > 0) {
      for (const runnable of this.#later.splice(0)) this.resume(runnable)
      return true
    }
    this.#idle += 1
    // One more look: a callback of the host may have queued what the last step led to.
    if (this.#idle === 1) {
      this.#soon()
      return false
    }
    if (this.#over!()) {
      this.#finish!()
      return false
    }
    if (this.timers.size > 0) {
      this.#time = Math.max(this.#time, this.timers.earliest())
      let onlySleeps = true
      for (let due = this.timers.take(this.#time); due !== undefined; due = this.timers.take(this.#time)) {
        due.due()
        onlySleeps &&= due instanceof Wait
      }
      // Sleeps that are over are ready now; a deadline that has passed calls functions of the user's first.
      if (onlySleeps && this.#actions.length === 0) return true
      this.#idle = 0
      this.#soon()
      return false
    }
    // Foreign work that was begun before the run may be about to end.
    if (this.#idle === 2) host.turn(this.#next)
    else this.#deadlock()
    return false
  }

  #deadlock(): void {
    if (this.#failure !== undefined) {
      this.#finish!()
      return
    }
    this.#fail('CONCURRENCY_SIM_DEADLOCK', `every task waits and no timer is left\n${formatTree(this.root)}`)
    this.#idle = 0
    this.#soon()
  }

  /** The steps are used up. True if what was cancelled then does not end either: it is left where it waits. */
  #tooLong(): boolean {
    if (this.#failure !== undefined) {
      this.#finish!()
      return true
    }
    const { maxSteps } = this.#settings
    // What is cancelled now may take as many steps to end, and no more.
    this.#limit += maxSteps
    this.#fail('CONCURRENCY_SIM_STEPS', `the run took more than ${maxSteps} steps\n${formatTree(this.root)}`)
    return false
  }

  /** Fails the run: everything in it is cancelled, so that it can end. */
  #fail(code: ConcurrencyErrorCode, message: string, options?: ErrorOptions): void {
    if (this.#failure !== undefined) return
    const failure = new ConcurrencyError(code, message, options)
    this.#failure = failure
    this.#actions.push(() => this.root.cancelWith('shutdown', () => failure))
  }

  #line(chosen: Runnable): string {
    const task = taskOf(chosen.scope)
    const on = chosen.on === undefined || chosen.on === task ? '' : ` ${chosen.on.name}`
    return `${this.#step} ${this.#time} ${task.name}#${this.#idOf(task)} ${chosen.what}${on}`
  }

  #idOf(node: ScopeNode): number {
    let id = this.#ids.get(node)
    if (id === undefined) this.#ids.set(node, (id = this.#nextId++))
    return id
  }
}

/** Who runs now, for messages. */
function running(): string {
  const ambient = host.ambient() as ScopeNode
  return `in a simulated run, ${taskOf(ambient).title}`
}

function unhandled(error: unknown): string {
  return `a promise was rejected and nobody handled it: ${describeThrown(error)}`
}
