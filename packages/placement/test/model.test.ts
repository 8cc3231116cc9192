/** The evaluation against a plain model, which tries every set of backends. */
import {
  createEvaluator,
  PlacementError,
  type BackendFacts,
  type Evaluator,
  type Requirement,
} from '@ipfs-kit/placement'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { backend, content, ok } from './world.ts'

const names = ['a', 'b', 'c', 'd', 'e']
const durabilities = ['single', 'quorum', 'all', 'tiered'] as const

const anyBackend = fc.record({
  failureDomain: fc.constantFrom('x', 'y', 'z'),
  tags: fc.subarray(['hot', 'cold']),
  offSite: fc.boolean(),
  durability: fc.constantFrom('durable', 'durable', 'durable', 'memory'),
  costPerGiBMonth: fc.constantFrom(0, 0.1, 0.2, 0.7),
  writable: fc.constantFrom(true, true, true, false),
  state: fc.constantFrom('up', 'up', 'up', 'away', 'down'),
} as const)

const anyWorld = fc.record({
  facts: fc.array(anyBackend, { minLength: 2, maxLength: names.length }),
  have: fc.subarray(names),
  keep: fc
    .record({
      counts: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 3, maxLength: 3 }),
      durability: fc.constantFrom(...durabilities),
      offSite: fc.boolean(),
      allowed: fc.option(fc.subarray(names.slice(0, 2), { minLength: 1 })),
      ceiling: fc.option(fc.constantFrom(0.1, 0.3, 0.8)),
    })
    .map(({ counts, durability, offSite, allowed, ceiling }): Requirement => {
      const [minimum, target, maximum] = counts.toSorted((a, b) => a - b) as [number, number, number]
      return {
        ...{ minimum, target, maximum, durability, offSite },
        ...(durability === 'tiered' ? { tiers: ['hot', 'cold'] } : {}),
        ...(allowed === null ? {} : { backends: allowed }),
        ...(ceiling === null ? {} : { maxCostPerGiBMonth: ceiling }),
      }
    }),
})

/** What a requirement says of a list of copies that count, in plain words. */
class Model {
  readonly keep: Requirement
  readonly candidates: readonly BackendFacts[]
  readonly domains: number

  constructor(keep: Requirement, all: readonly BackendFacts[]) {
    this.keep = keep
    this.candidates = all.filter(
      ({ name, durability }) => durability === 'durable' && (keep.backends?.includes(name) ?? true),
    )
    this.domains = new Set(this.candidates.map(({ failureDomain }) => failureDomain)).size
  }

  /** How many domains are asked for, at least and in the end. */
  asked(): readonly [least: number, wanted: number] {
    const { minimum, target, durability } = this.keep
    if (durability === 'single') return [1, 1]
    if (durability === 'tiered') return [minimum, target]
    if (durability === 'all') return [Math.max(1, this.domains), Math.max(1, this.domains)]
    return [Math.max(minimum, Math.floor(target / 2) + 1), target]
  }

  domainsOf(copies: readonly BackendFacts[]): number {
    const counted = copies.filter((one) => this.candidates.includes(one))
    return new Set(counted.map(({ failureDomain }) => failureDomain)).size
  }

  has(copies: readonly BackendFacts[], [domains, number]: readonly [number, number]): boolean {
    const counted = copies.filter((one) => this.candidates.includes(one))
    const tiers = this.keep.tiers ?? []
    return (
      counted.length >= Math.max(number, domains) &&
      this.domainsOf(copies) >= domains &&
      tiers.every((tier) => counted.some(({ tags }) => tags.includes(tier))) &&
      (this.keep.offSite !== true || counted.some(({ offSite }) => offSite))
    )
  }

  meets(copies: readonly BackendFacts[]): boolean {
    return this.has(copies, [this.asked()[0], this.keep.minimum])
  }

  isWhole(copies: readonly BackendFacts[]): boolean {
    return this.has(copies, [this.asked()[1], this.keep.target])
  }

  isWithin(copies: readonly BackendFacts[]): boolean {
    const cost = copies.reduce((sum, one) => sum + one.costPerGiBMonth, 0)
    return copies.length <= this.keep.maximum && cost <= (this.keep.maxCostPerGiBMonth ?? Infinity) + 1e-9
  }
}

function setsOf<T>(items: readonly T[]): T[][] {
  return items.reduce<T[][]>((sets, one) => [...sets, ...sets.map((set) => [...set, one])], [[]])
}

/** An evaluator, or undefined if the policy cannot be met. */
function evaluatorOf(keep: Requirement, backends: readonly BackendFacts[]): Evaluator | undefined {
  try {
    return createEvaluator({ otherwise: keep }, backends)
  } catch (error) {
    if (error instanceof PlacementError) return undefined
    throw error
  }
}

test('a policy is refused exactly when no set of working backends meets it', () => {
  fc.assert(
    fc.property(anyWorld, ({ facts, keep }) => {
      const backends = facts.map((one, at) => backend(names[at]!, one))
      const tags = new Set(backends.flatMap((one) => one.tags))
      fc.pre((keep.tiers ?? []).every((tier) => tags.has(tier)))
      const model = new Model(keep, backends)
      const usable = model.candidates.filter(({ writable }) => writable)
      const possible = setsOf(usable).some((set) => model.isWhole(set) && model.isWithin(set))
      expect(evaluatorOf(keep, backends) !== undefined).toBe(possible)
    }),
    { numRuns: 2000 },
  )
})

test('health is what the model says, and a plan that is carried out is as good as any, and final', () => {
  let judged = 0
  fc.assert(
    fc.property(anyWorld, ({ facts, have, keep }) => {
      const backends = facts.map((one, at) => backend(names[at]!, one))
      const evaluator = evaluatorOf(keep, backends)
      fc.pre(evaluator !== undefined)
      judged += 1
      const model = new Model(keep, backends)
      const counting = backends.filter(
        ({ name, state, durability }) => have.includes(name) && state !== 'down' && durability === 'durable',
      )
      const verdict = evaluator.judge(content(), ok(...have), 0)
      const state = !model.meets(counting) ? 'under' : model.isWithin(counting) ? 'met' : 'over'
      expect(verdict.state).toBe(state)

      const free = model.candidates.filter(
        (one) => one.writable && one.state === 'up' && !counting.includes(one),
      )
      const made = verdict.missing.map((name) => backends.find((one) => one.name === name)!)
      expect(free).toEqual(expect.arrayContaining(made))
      const left = counting.filter(({ name }) => !verdict.superfluous.includes(name))
      const after = [...left, ...made]
      // A plan that makes anything stays below maximum and ceiling, also together with what it leaves.
      if (made.length > 0 || verdict.superfluous.length > 0) expect(model.isWithin(after)).toBe(true)

      const others = setsOf([...counting, ...free]).filter((set) => model.isWithin(set))
      if (others.some((set) => model.meets(set))) expect(model.meets(after)).toBe(true)
      else expect(verdict.superfluous).toEqual([])
      if (others.some((set) => model.isWhole(set))) expect(model.isWhole(after)).toBe(true)
      if (model.meets(counting)) expect(model.meets(after)).toBe(true)

      const again = evaluator.judge(content(), ok(...after.map(({ name }) => name)), 0)
      expect(again).toMatchObject({ missing: [], superfluous: [] })
      if (model.meets(after) && model.isWithin(after)) expect(again.state).toBe('met')
      // Another evaluator of the same says the same, whatever the order.
      expect(evaluatorOf(keep, backends.toReversed())!.judge(content(), ok(...have.toReversed()), 0)).toEqual(
        verdict,
      )
    }),
    { numRuns: 3000 },
  )
  expect(judged).toBeGreaterThan(100)
})

test('among plans that reach what is wanted and keep as much, the cheapest is made', () => {
  fc.assert(
    fc.property(anyWorld, ({ facts, have, keep }) => {
      const backends = facts.map((one, at) => backend(names[at]!, { ...one, state: 'up' }))
      const evaluator = evaluatorOf(keep, backends)
      fc.pre(evaluator !== undefined)
      const model = new Model(keep, backends)
      const there = backends.filter(({ name, durability }) => have.includes(name) && durability === 'durable')
      const verdict = evaluator.judge(content(), ok(...have), 0)
      const after = backends.filter(
        (one) =>
          verdict.missing.includes(one.name) ||
          (there.includes(one) && !verdict.superfluous.includes(one.name)),
      )
      const cost = (set: readonly BackendFacts[]): number =>
        set.reduce((sum, one) => sum + Math.round(one.costPerGiBMonth * 10), 0)
      fc.pre(model.isWhole(after))
      const kept = (set: readonly BackendFacts[]): number => set.filter((one) => there.includes(one)).length
      const universe = [...there, ...model.candidates.filter((one) => one.writable && !there.includes(one))]
      for (const set of setsOf(universe)) {
        if (!model.isWhole(set) || !model.isWithin(set) || kept(set) < kept(after)) continue
        expect(kept(set)).toBe(kept(after))
        expect(cost(set)).toBeGreaterThanOrEqual(cost(after))
      }
    }),
    { numRuns: 1000 },
  )
})
