/** What all contents are together. */
import type { HealthState } from './evidence.ts'
import type { BackendFacts, Copy } from './policy.ts'

/** What is on a backend. */
export interface BackendSummary {
  readonly name: string
  /** Copies that are taken to be whole. */
  readonly copies: number
  readonly bytes: number
  /** Copies that were found lost or damaged, and are not made again yet. */
  readonly bad: number
  /** What these copies cost a month, with the reads of their verification. An estimate. */
  readonly costPerMonth: number
}

/** All contents, at one time. */
export interface Summary extends Readonly<Record<HealthState, number>> {
  readonly contents: number
  /** Bytes, each content once. */
  readonly bytes: number
  /** Contents that have not all the copies that are wanted: those that are under, and others. */
  readonly unfinished: number
  /** By name. */
  readonly backends: readonly BackendSummary[]
  readonly costPerMonth: number
}

const daysPerMonth = 365.25 / 12

/** Adds up contents. */
export class Tally {
  readonly #facts: readonly BackendFacts[]
  readonly #verifySharePerDay: number
  readonly #states: Record<HealthState, number> = { under: 0, met: 0, over: 0 }
  readonly #on = new Map<string, { copies: number; bytes: number; bad: number }>()
  #bytes = 0
  #unfinished = 0

  constructor(facts: readonly BackendFacts[], verifySharePerDay: number) {
    this.#facts = facts
    this.#verifySharePerDay = verifySharePerDay
    for (const { name } of facts) this.#on.set(name, { copies: 0, bytes: 0, bad: 0 })
  }

  add(bytes: number, copies: readonly Copy[], state: HealthState, isUnfinished: boolean): void {
    this.#states[state] += 1
    this.#bytes += bytes
    if (isUnfinished) this.#unfinished += 1
    for (const copy of copies) {
      const on = this.#on.get(copy.backend)
      if (on === undefined) continue
      if (copy.state === 'ok') {
        on.copies += 1
        on.bytes += bytes
      } else {
        on.bad += 1
      }
    }
  }

  summary(): Summary {
    const backends = this.#facts.map(({ name, costPerGiBMonth, costPerRead }) => {
      const on = this.#on.get(name)!
      const reads = on.copies * this.#verifySharePerDay * daysPerMonth
      return { name, ...on, costPerMonth: (on.bytes / 2 ** 30) * costPerGiBMonth + reads * costPerRead }
    })
    const { under, met, over } = this.#states
    return Object.freeze({
      contents: under + met + over,
      ...this.#states,
      bytes: this.#bytes,
      unfinished: this.#unfinished,
      backends: Object.freeze(backends.map((one) => Object.freeze(one))),
      costPerMonth: backends.reduce((sum, one) => sum + one.costPerMonth, 0),
    })
  }
}
