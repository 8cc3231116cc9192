/** The verification of copies by reading and hashing them: those first whose last one is longest ago. */
import { now, sleep } from '@ipfs-kit/concurrency'
import type { CID } from 'multiformats/cid'
import { visitRows } from './evaluation.ts'
import type { Ledger } from './ledger.ts'
import type { Copy } from './policy.ts'
import { readCopy } from './read-copy.ts'

const dayMs = 86_400_000
/** Copies that are chosen at once, for which all of them are looked at. */
const mostChosen = 10_000
/** Failures in a row after which a backend is left alone until the next turn. */
const mostFailures = 3

/** What verification is made with. */
export interface VerificationOptions {
  readonly ledger: Ledger
  readonly sharePerDay: number
  readonly bytesPerSecond: number
  /** Told of content that has lost a copy by it. */
  readonly onBad: (cid: CID) => Promise<void>
}

interface Chosen {
  readonly cid: CID
  readonly backend: string
  readonly verifiedMs: number
}

export class Verification {
  readonly #options: VerificationOptions
  /** Copies that are to be verified by now. It grows by a clock that is never set. */
  #owed = 0
  #countedAt = now()

  constructor(options: VerificationOptions) {
    this.#options = options
  }

  get owed(): number {
    return Math.ceil(this.#owed)
  }

  /**
   * Verifies what is owed.
   *
   * @returns the last failure of a backend, if there was one: its copies are owed still
   */
  async turn(signal: AbortSignal): Promise<unknown> {
    const { ledger, sharePerDay } = this.#options
    const copies = await this.#count()
    const at = now()
    this.#owed = Math.min(copies, this.#owed + (copies * sharePerDay * (at - this.#countedAt)) / dayMs)
    this.#countedAt = at
    const failures = new Map<string, number>()
    let lastFailure: unknown
    while (this.#owed >= 1) {
      const isUsable = (name: string): boolean => (failures.get(name) ?? 0) < mostFailures
      const chosen = await this.#oldest(Math.min(mostChosen, Math.ceil(this.#owed)), isUsable)
      let done = 0
      for (const { cid, backend } of chosen) {
        if (!isUsable(backend)) continue
        try {
          await this.verify(cid, backend, signal)
          failures.delete(backend)
          done += 1
          this.#owed -= 1
        } catch (error) {
          signal.throwIfAborted()
          if (ledger.standing.backend(backend) === undefined) throw error
          lastFailure = error
          failures.set(backend, (failures.get(backend) ?? 0) + 1)
        }
      }
      if (done === 0) break
    }
    return lastFailure
  }

  /** Verifies a copy, and waits until its bytes are within the budget. Throws what the backend fails with. */
  async verify(cid: CID, backend: string, signal: AbortSignal): Promise<void> {
    const { ledger, bytesPerSecond, onBad } = this.#options
    const { state, bytes } = await readCopy(ledger.standing.backend(backend)!, cid, signal)
    ledger.counts.verified += 1
    ledger.counts.verifiedBytes += bytes
    await ledger.note(cid, backend, state)
    if (state !== 'ok') await onBad(cid)
    await sleep((bytes / bytesPerSecond) * 1000)
  }

  /** Copies that can be verified. */
  async #count(): Promise<number> {
    let count = 0
    await visitRows(this.#options.ledger, ({ copies }) => {
      count += this.#readable(copies).length
      return undefined
    })
    return count
  }

  /** Those of which the last verification is longest ago. */
  async #oldest(count: number, isUsable: (backend: string) => boolean): Promise<Chosen[]> {
    const { ledger } = this.#options
    const atMs = ledger.clock()
    let oldest: Chosen[] = []
    let limit = Infinity
    await visitRows(ledger, ({ copies }, slot) => {
      for (const { backend, verifiedMs: saidMs } of this.#readable(copies)) {
        // What the clock says of the future says nothing.
        const verifiedMs = saidMs > atMs ? 0 : saidMs
        if (verifiedMs >= limit || !isUsable(backend)) continue
        oldest.push({ cid: ledger.catalog.cidAt(slot), backend, verifiedMs })
        if (oldest.length < 2 * count) continue
        oldest = inOrder(oldest).slice(0, count)
        limit = oldest.at(-1)!.verifiedMs
      }
      return undefined
    })
    return inOrder(oldest).slice(0, count)
  }

  #readable(copies: readonly Copy[]): Copy[] {
    const { backends } = this.#options.ledger.evaluator
    return copies.filter(
      ({ backend, state }) =>
        state === 'ok' &&
        backends.some((one) => one.name === backend && one.state === 'up' && one.durability !== 'memory'),
    )
  }
}

function inOrder(chosen: readonly Chosen[]): Chosen[] {
  return chosen.toSorted((a, b) => a.verifiedMs - b.verifiedMs)
}
