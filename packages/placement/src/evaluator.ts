/** What a policy says of content: whether its copies are too few, right or too many, why, and what is to be done. */
import { checkBackends } from './check-backends.ts'
import { checkPolicy } from './check-policy.ts'
import { choose } from './choose.ts'
import { holds } from './conditions.ts'
import { evidenceOf, reasonNot, type HealthState } from './evidence.ts'
import { otherwiseName, type BackendFacts, type Content, type Copy, type Policy } from './policy.ts'
import { mustBePossible } from './possible.ts'
import { costOf, isWithin, meets, setOf, termsOf, type Terms } from './terms.ts'

/** What is to be done, without why. */
export interface Verdict {
  /** Name of the rule that the content falls under; `otherwise` if none fits. */
  readonly rule: string
  readonly state: HealthState
  /** Backends on which a copy is to be made, the cheapest first. */
  readonly missing: readonly string[]
  /** Backends whose copy is not needed any more, once those that are missing are made. */
  readonly superfluous: readonly string[]
}

/** What is known of the copies of content. */
export interface Health extends Verdict {
  readonly cid: string
  /** Sentences: what is asked for and what is there, and of each copy that does not count why. */
  readonly evidence: readonly string[]
  readonly copies: readonly CopyHealth[]
  /** Failure domains that have a copy that counts, in order. */
  readonly domains: readonly string[]
  /** Backends that a missing copy can be read from, the cheapest first. A copy in memory is good enough for that. */
  readonly sources: readonly string[]
  /** What the copies that count cost a month, without requests. */
  readonly costPerMonth: number
}

/** A copy, and whether it counts. */
export interface CopyHealth extends Copy {
  readonly counts: boolean
}

/** A policy over the backends as they are. */
export interface Evaluator {
  readonly policy: Policy
  /** Sorted by name. */
  readonly backends: readonly BackendFacts[]
  /**
   * Judges content by its copies. Decides the same for the same, and keeps what it has decided.
   *
   * @param atMs - the time, in milliseconds since 1970, for conditions of age
   * @param refused - backends on which no copy is to be made now
   */
  judge(
    content: Omit<Content, 'cid'>,
    copies: readonly Copy[],
    atMs: number,
    refused?: readonly string[],
  ): Verdict
  /** The same, with what it is known by. */
  explain(content: Content, copies: readonly Copy[], atMs: number, refused?: readonly string[]): Health
}

/**
 * Makes an evaluator.
 *
 * @throws PlacementError PLACEMENT_POLICY_INVALID, PLACEMENT_IMPOSSIBLE; TypeError, RangeError for the backends: more than 16, two
 *   of a name, a cost that is no number
 */
export function createEvaluator(policy: Policy, backends: readonly BackendFacts[]): Evaluator {
  checkBackends(backends)
  checkPolicy(policy)
  const sorted = backends.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  for (const { name, keep } of policy.rules ?? [])
    mustBePossible(keep, `The rule ${JSON.stringify(name)}`, sorted)
  mustBePossible(policy.otherwise, otherwiseName, sorted)
  return new PolicyEvaluator(policy, sorted)
}

class PolicyEvaluator implements Evaluator {
  readonly policy: Policy
  readonly backends: readonly BackendFacts[]
  readonly #terms: readonly Terms[]
  readonly #bits: ReadonlyMap<string, number>
  /** Backends whose copies count, and those that take more. */
  readonly #counting: number
  readonly #taking: number
  readonly #verdicts = new Map<number, Verdict>()

  constructor(policy: Policy, backends: readonly BackendFacts[]) {
    this.policy = policy
    this.backends = backends
    const { rules = [], otherwise } = policy
    this.#terms = [...rules.map(({ keep }) => keep), otherwise].map((keep) => termsOf(keep, backends))
    this.#bits = new Map(backends.map(({ name }, at) => [name, 1 << at]))
    this.#counting = setOf(backends, (one) => reasonNot('ok', one) === undefined)
    this.#taking = setOf(backends, (one) => one.writable && one.state === 'up')
  }

  judge(
    content: Omit<Content, 'cid'>,
    copies: readonly Copy[],
    atMs: number,
    refused: readonly string[] = [],
  ): Verdict {
    const have = this.#have(copies)
    const rule = this.#ruleOf(content, atMs)
    const without = refused.reduce((set, name) => set | (this.#bits.get(name) ?? 0), 0)
    const free = this.#terms[rule]!.candidates & this.#taking & ~have & ~without
    const key = (rule * 65_536 + have) * 65_536 + free
    let verdict = this.#verdicts.get(key)
    if (verdict === undefined) {
      verdict = this.#decide(rule, have, free)
      this.#verdicts.set(key, verdict)
      if (this.#verdicts.size > mostVerdicts) this.#verdicts.delete(this.#verdicts.keys().next().value!)
    }
    return verdict
  }

  explain(content: Content, copies: readonly Copy[], atMs: number, refused: readonly string[] = []): Health {
    const verdict = this.judge(content, copies, atMs, refused)
    const terms = this.#terms[this.#ruleOf(content, atMs)]!
    const have = this.#have(copies)
    const counting = this.#named(have)
    const byName = new Map(this.backends.map((one) => [one.name, one]))
    return {
      cid: content.cid,
      ...verdict,
      evidence: evidenceOf({ terms, have, copies, byName, verdict }),
      copies: copies.map((copy) => ({ ...copy, counts: counting.some(({ name }) => name === copy.backend) })),
      domains: [...new Set(counting.map((one) => one.failureDomain))].sort(),
      sources: copies
        .filter(({ state }) => state === 'ok')
        .flatMap(({ backend }) => byName.get(backend) ?? [])
        .filter(({ state }) => state === 'up')
        .sort((a, b) => a.costPerRead - b.costPerRead || (a.name < b.name ? -1 : 1))
        .map(({ name }) => name),
      costPerMonth: ((costOf(have, terms.costs) / 1e9) * content.bytes) / 2 ** 30,
    }
  }

  #decide(rule: number, have: number, free: number): Verdict {
    const terms = this.#terms[rule]!
    const best = choose(terms, have, free)
    const byCost = this.#named(best & ~have).sort(
      (a, b) => a.costPerGiBMonth - b.costPerGiBMonth || a.costPerWrite - b.costPerWrite,
    )
    return Object.freeze({
      rule: this.policy.rules?.[rule]?.name ?? otherwiseName,
      state: !meets(terms, have) ? 'under' : isWithin(terms, have) ? 'met' : 'over',
      missing: Object.freeze(byCost.map(({ name }) => name)),
      superfluous: Object.freeze(this.#named(have & ~best).map(({ name }) => name)),
    })
  }

  #ruleOf(content: Omit<Content, 'cid'>, atMs: number): number {
    const { rules = [] } = this.policy
    const found = rules.findIndex(({ when }) => holds(when, content, atMs))
    return found === -1 ? rules.length : found
  }

  /** The set of copies that count. */
  #have(copies: readonly Copy[]): number {
    let have = 0
    for (const { backend, state } of copies) if (state === 'ok') have |= this.#bits.get(backend) ?? 0
    return have & this.#counting
  }

  #named(set: number): BackendFacts[] {
    return this.backends.filter((_, at) => ((set >> at) & 1) === 1)
  }
}

/** Verdicts that are kept. There are few: one for each rule and set of copies that occurs. */
const mostVerdicts = 10_000
