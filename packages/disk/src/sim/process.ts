/** One process on a simulated disk: its operations in turn with those of others, their faults, and its end. */
import { backendStats, checkpoint, shield, sleep } from '@ipfs-kit/concurrency'
import { closedError, refusedWith } from '../system-error.ts'
import { simOperations, withFaults } from './faults.ts'
import type { SimFaults, SimOperation } from './faults.ts'
import type { Medium } from './medium.ts'
import type { Seeded } from './seeded.ts'

/** Operations between two turns of the event loop, on the native backend. */
const operationsPerTurn = 64
const settled = Promise.resolve()

/** Something that is going to happen. */
interface Armed {
  readonly operation: SimOperation | 'any'
  left: number
  /** A code of the system, or `crash`. */
  readonly what: string
}

/** What an operation does: all of it, or a part and then no more. */
export type Effect<T> = (random: Seeded) => T

export class SimProcess {
  readonly medium: Medium
  readonly random: Seeded
  faults: SimFaults
  bytesRead = 0
  bytesWritten = 0
  openFiles = 0
  locks = 0
  readonly #operations = new Map<SimOperation, number>(simOperations.map((one) => [one, 0]))
  #armed: Armed[] = []
  #dead = false
  #turns = 0

  constructor(medium: Medium, random: Seeded, faults: SimFaults) {
    this.medium = medium
    this.random = random
    this.faults = faults
  }

  get dead(): boolean {
    return this.#dead
  }

  get operations(): Readonly<Record<SimOperation, number>> {
    return Object.freeze(Object.fromEntries(this.#operations)) as Readonly<Record<SimOperation, number>>
  }

  setFaults(changed: Partial<SimFaults>): void {
    this.faults = withFaults(this.faults, changed)
  }

  arm(operation: SimOperation | 'any', nth: number, what: string): void {
    if (operation !== 'any' && !simOperations.includes(operation)) {
      throw new TypeError(`There is no operation ${String(operation)}`)
    }
    if (!Number.isSafeInteger(nth) || nth < 1) throw new RangeError(`nth is 1 or more, and not ${nth}`)
    this.#armed.push({ operation, left: nth, what })
  }

  /** @throws DiskError `DISK_CLOSED` after the end. */
  check(path: string): void {
    if (this.#dead) throw closedError(path)
  }

  /** Ends it. `crash` takes the power of the medium as well. */
  end(how: 'crash' | 'kill'): void {
    if (this.#dead) return
    this.#dead = true
    if (how === 'crash') this.medium.losePower(this.random, this.faults.tearing)
    else this.medium.endProcess()
  }

  /**
   * One operation that takes a while. Its effect comes at the beginning or at the end of that, by chance; in the case of a
   * fault `part`, and then the error. It is never given up half way, as with a real disk.
   */
  async operate<T>(
    operation: SimOperation,
    path: string,
    effect: Effect<T>,
    part?: Effect<void>,
  ): Promise<T> {
    this.check(path)
    const fault = this.#faultOf(operation)
    const whole = (): T => this.#whole(operation, path, effect, part, fault)
    let outcome: { value: T } | { error: unknown } | undefined
    if (this.random.chance(0.5)) outcome = attempt(whole)
    await this.#turn()
    if (outcome !== undefined && 'error' in outcome) throw outcome.error
    this.check(path)
    return outcome === undefined ? whole() : outcome.value
  }

  /** The same at once. */
  operateNow<T>(operation: SimOperation, path: string, effect: Effect<T>, part?: Effect<void>): T {
    this.check(path)
    return this.#whole(operation, path, effect, part, this.#faultOf(operation))
  }

  /** Lets others have their turn. Natively a turn of the event loop is taken only now and then: it costs more than the rest. */
  async #turn(): Promise<void> {
    const { latencyMs } = this.faults
    if (backendStats().backend === 'sim') {
      const ms = latencyMs > 0 ? this.random.fraction() * latencyMs : 0
      await shield(() => sleep(ms))
      return
    }
    this.#turns += 1
    if (this.#turns % operationsPerTurn === 0) await shield(() => checkpoint())
    else await settled
  }

  #whole<T>(
    operation: SimOperation,
    path: string,
    effect: Effect<T>,
    part: Effect<void> | undefined,
    fault: string | undefined,
  ): T {
    if (fault === undefined) return effect(this.random)
    if (fault === 'crash') {
      if (this.random.chance(0.5)) part?.(this.random)
      else attempt(() => effect(this.random))
      this.end('crash')
      throw closedError(path)
    }
    part?.(this.random)
    throw refusedWith(fault, operation, path)
  }

  #faultOf(operation: SimOperation): string | undefined {
    this.#operations.set(operation, this.#operations.get(operation)! + 1)
    let fault: string | undefined
    if (this.#armed.length > 0) {
      for (const one of this.#armed) {
        if (one.operation !== 'any' && one.operation !== operation) continue
        one.left -= 1
        if (one.left === 0) fault ??= one.what
      }
      this.#armed = this.#armed.filter(({ left }) => left > 0)
    }
    return fault ?? (this.random.chance(this.#errorsOf(operation)) ? 'EIO' : undefined)
  }

  #errorsOf(operation: SimOperation): number {
    const { readErrors, writeErrors, syncErrors } = this.faults
    if (operation === 'read') return readErrors
    if (operation === 'write' || operation === 'preallocate' || operation === 'truncate') return writeErrors
    if (operation === 'sync' || operation === 'syncFolder') return syncErrors
    return 0
  }
}

function attempt<T>(what: () => T): { value: T } | { error: unknown } {
  try {
    return { value: what() }
  } catch (error) {
    return { error }
  }
}
