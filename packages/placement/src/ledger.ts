/** What all parts of a placement share: the catalogue, the policy over the backends as they are, and counts. */
import type { CID } from 'multiformats/cid'
import type { Catalog, Entry } from './catalog/catalog.ts'
import type { Row } from './catalog/row.ts'
import { PlacementError } from './errors.ts'
import { createEvaluator, type Evaluator } from './evaluator.ts'
import type { Copy, Policy } from './policy.ts'
import type { PlacementWal } from './placement.ts'
import type { CopyState } from './read-copy.ts'
import { publishBad } from './reports.ts'
import type { Standing } from './standing.ts'

/** What is counted since it was opened. */
export interface Counts {
  copied: number
  copiedBytes: number
  verified: number
  verifiedBytes: number
  lost: number
  damaged: number
  evaluations: number
}

export class Ledger {
  readonly catalog: Catalog
  readonly standing: Standing
  readonly clock: () => number
  readonly counts: Counts = {
    copied: 0,
    copiedBytes: 0,
    verified: 0,
    verifiedBytes: 0,
    lost: 0,
    damaged: 0,
    evaluations: 0,
  }
  #evaluator: Evaluator

  constructor(catalog: Catalog, standing: Standing, clock: () => number, policy: Policy) {
    this.catalog = catalog
    this.standing = standing
    this.clock = clock
    this.#evaluator = createEvaluator(policy, standing.facts(undefined))
  }

  get evaluator(): Evaluator {
    return this.#evaluator
  }

  setPolicy(policy: Policy): void {
    this.#evaluator = createEvaluator(policy, this.#evaluator.backends)
  }

  /** Looks at the backends. True if one of them is in another state than before. */
  refresh(wal: PlacementWal): boolean {
    const facts = this.standing.facts(wal)
    const before = new Map(this.#evaluator.backends.map(({ name, state }) => [name, state]))
    if (facts.every(({ name, state }) => before.get(name) === state)) return false
    this.#evaluator = createEvaluator(this.#evaluator.policy, facts)
    return true
  }

  /** @throws PlacementError PLACEMENT_UNKNOWN */
  entry(cid: CID): Entry {
    const entry = this.catalog.get(cid)
    if (entry === undefined) throw new PlacementError('PLACEMENT_UNKNOWN', `${cid} is not in the catalogue`)
    return entry
  }

  /** Notes what a copy was found to be. Of content that was forgotten meanwhile nothing is noted. */
  async note(cid: CID, backend: string, state: CopyState): Promise<void> {
    const verifiedMs = Math.max(0, Math.floor(this.clock()))
    await this.catalog.change(cid, (row) => row && withCopy(row, { backend, state, verifiedMs }))
    if (state === 'ok') return
    this.counts[state] += 1
    publishBad(cid.toString(), backend, state)
  }
}

/** A row with a copy in the place of the one on the same backend. */
export function withCopy(row: Row, copy: Copy): Row {
  const others = row.copies.filter(({ backend }) => backend !== copy.backend)
  return { ...row, copies: [...others, copy] }
}
