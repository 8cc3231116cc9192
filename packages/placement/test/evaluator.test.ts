import { createEvaluator } from '@ipfs-kit/placement'
import { expect, test } from 'vitest'
import { backend, content, keep, ok } from './world.ts'

const day = 86_400_000

test('of the rules the first that fits is the one', () => {
  const evaluator = createEvaluator(
    {
      rules: [
        { name: 'large', when: { minBytes: 100, maxBytes: 200 }, keep: keep(1, 1, 1) },
        { name: 'old', when: { minAgeDays: 2 }, keep: keep(1, 1, 1) },
        { name: 'pictures', when: { types: ['image/*'], maxHeat: 5 }, keep: keep(1, 1, 1) },
        { name: 'notes', when: { names: ['*.md', 'n*t*s'] }, keep: keep(1, 1, 1) },
      ],
      otherwise: keep(1, 1, 1),
    },
    [backend('a')],
  )
  const ruleOf = (facts: Parameters<typeof content>[0], atMs = 0): string =>
    evaluator.judge(content({ bytes: 1, ...facts }), [], atMs).rule
  expect(ruleOf({ bytes: 99 })).toBe('otherwise')
  expect(ruleOf({ bytes: 100 })).toBe('large')
  expect(ruleOf({ bytes: 200 }, 9 * day)).toBe('large')
  expect(ruleOf({ bytes: 201 }, 2 * day - 1)).toBe('otherwise')
  expect(ruleOf({}, 2 * day)).toBe('old')
  expect(ruleOf({ addedMs: 9 * day }, 0)).toBe('otherwise')
  expect(ruleOf({ type: 'image/png' })).toBe('pictures')
  expect(ruleOf({ type: 'image/png', heat: 5 })).toBe('otherwise')
  expect(ruleOf({ name: 'a.md' })).toBe('notes')
  expect(ruleOf({ name: 'nights' })).toBe('notes')
  expect(ruleOf({ name: 'a.md.bak' })).toBe('otherwise')
})

test('copies in one failure domain count as one', () => {
  const backends = [backend('a', { failureDomain: 'x' }), backend('b', { failureDomain: 'x' }), backend('c')]
  const evaluator = createEvaluator({ otherwise: keep(2, 2, 3) }, backends)
  const health = evaluator.explain(content(), ok('a', 'b'), 0)
  expect(health).toMatchObject({ state: 'under', missing: ['c'], superfluous: [], domains: ['x'] })
  expect(health.evidence).toContain('they are in 1 failure domains, of at least 2 and 2 wanted')
  expect(evaluator.judge(content(), ok('a', 'c'), 0).state).toBe('met')
})

test('a quorum of three is met by two, and made three', () => {
  const evaluator = createEvaluator(
    { otherwise: keep(1, 3, 3) },
    ['a', 'b', 'c', 'd'].map((name) => backend(name)),
  )
  expect(evaluator.judge(content(), ok('a'), 0)).toMatchObject({ state: 'under', missing: ['b', 'c'] })
  expect(evaluator.judge(content(), ok('a', 'd'), 0)).toMatchObject({ state: 'met', missing: ['b'] })
  expect(evaluator.judge(content(), ok('a', 'b', 'c', 'd'), 0)).toMatchObject({ state: 'over', missing: [] })
})

test('a copy in memory is no copy, but one to read from', () => {
  const evaluator = createEvaluator({ otherwise: keep(1, 1, 2) }, [
    backend('disk'),
    backend('ram', { durability: 'memory' }),
  ])
  const health = evaluator.explain(content(), ok('ram'), 0)
  expect(health).toMatchObject({ state: 'under', missing: ['disk'], sources: ['ram'], domains: [] })
  expect(health.evidence).toContain('the copy on ram is in memory, and a copy in memory is no copy')
})

test('what was lost or damaged is made again in its place, from where it is whole', () => {
  const evaluator = createEvaluator({ otherwise: keep(2, 2, 2) }, [backend('a'), backend('b')])
  const copies = [...ok('a'), { backend: 'b', state: 'damaged', verifiedMs: 5 } as const]
  expect(evaluator.explain(content(), copies, 0)).toMatchObject({
    state: 'under',
    missing: ['b'],
    sources: ['a'],
  })
})

test('a backend that is away takes nothing, and its copies count; of one that is down they do not', () => {
  const policy = { otherwise: keep(2, 2, 3) }
  const judged = (state: 'up' | 'away' | 'down', have: string[]) =>
    createEvaluator(policy, [
      backend('a'),
      backend('b', { state }),
      backend('c', { costPerGiBMonth: 1 }),
    ]).judge(content(), ok(...have), 0)
  expect(judged('up', ['a'])).toMatchObject({ state: 'under', missing: ['b'] })
  expect(judged('away', ['a'])).toMatchObject({ state: 'under', missing: ['c'] })
  expect(judged('away', ['a', 'b'])).toMatchObject({ state: 'met', missing: [] })
  expect(judged('down', ['a', 'b'])).toMatchObject({ state: 'under', missing: ['c'] })
})

test('what costs too much is over, and goes for what is cheaper and meets as much', () => {
  const backends = [
    backend('dear', { costPerGiBMonth: 0.3 }),
    backend('fair', { costPerGiBMonth: 0.02 }),
    backend('cheap', { costPerGiBMonth: 0.01 }),
  ]
  const evaluator = createEvaluator({ otherwise: keep(2, 2, 3, { maxCostPerGiBMonth: 0.03 }) }, backends)
  expect(evaluator.explain(content({ bytes: 2 ** 29 }), ok('dear', 'fair'), 0)).toMatchObject({
    state: 'over',
    missing: ['cheap'],
    superfluous: ['dear'],
    costPerMonth: 0.16,
  })
})

test('each tier has a copy, and one is off-site', () => {
  const backends = [
    backend('ssd', { tags: ['hot'] }),
    backend('s3', { tags: ['warm'], offSite: true, costPerGiBMonth: 2 }),
    backend('nas', { tags: ['warm'] }),
    backend('tape', { tags: ['cold'] }),
  ]
  const tiered = keep(2, 2, 4, { durability: 'tiered', tiers: ['hot', 'warm'], offSite: true })
  const evaluator = createEvaluator({ otherwise: tiered }, backends)
  expect(evaluator.judge(content(), ok('ssd', 'nas'), 0)).toMatchObject({ state: 'under', missing: ['s3'] })
  expect(evaluator.judge(content(), [], 0)).toMatchObject({ missing: ['ssd', 's3'] })
})

test('nothing is given up for what is under all the same', () => {
  const backends = [
    backend('a', { failureDomain: 'x' }),
    backend('b', { failureDomain: 'x' }),
    backend('c', { state: 'down' }),
  ]
  const evaluator = createEvaluator({ otherwise: keep(2, 2, 2) }, backends)
  expect(evaluator.judge(content(), ok('a', 'b'), 0)).toMatchObject({
    state: 'under',
    missing: [],
    superfluous: [],
  })
})
