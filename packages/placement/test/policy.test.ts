import { createEvaluator, type BackendFacts, type Policy } from '@ipfs-kit/placement'
import { describe, expect, test } from 'vitest'
import { backend, keep } from './world.ts'

const three = [
  backend('disk', { tags: ['hot'], costPerGiBMonth: 0.01 }),
  backend('s3', { tags: ['warm'], offSite: true, costPerGiBMonth: 0.02 }),
  backend('tape', { tags: ['cold'], costPerGiBMonth: 0.001 }),
]

function refusalOf(
  policy: unknown,
  backends: readonly BackendFacts[] = three,
): { code: string; message: string } {
  try {
    createEvaluator(policy as Policy, backends)
  } catch (error) {
    return error as { code: string; message: string }
  }
  throw new Error('It was taken')
}

describe('what is no policy is refused', () => {
  test.each([
    ['an unknown key', { otherwise: keep(1, 2, 3), ruels: [] }, 'did you mean rules?'],
    [
      'an unknown key of a requirement',
      { otherwise: { ...keep(1, 2, 3), minium: 1 } },
      'did you mean minimum?',
    ],
    [
      'an unknown condition',
      { rules: [{ name: 'a', when: { minByte: 1 }, keep: keep(1, 1, 1) }], otherwise: keep(1, 1, 1) },
      'did you mean minBytes?',
    ],
    ['nothing', undefined, 'the policy is an object'],
    ['no requirement', {}, 'otherwise is an object'],
    ['no copy', { otherwise: keep(0, 1, 1) }, 'otherwise.minimum is a whole number from 1'],
    ['a target below the minimum', { otherwise: keep(2, 1, 3) }, 'otherwise.target is a whole number from 2'],
    [
      'a maximum below the target',
      { otherwise: keep(1, 3, 2) },
      'otherwise.maximum is a whole number from 3',
    ],
    ['half a copy', { otherwise: keep(1, 1.5, 2) }, 'not 1.5'],
    ['a cost that is none', { otherwise: keep(1, 1, 1, { maxCostPerGiBMonth: Number.NaN }) }, 'not NaN'],
    ['tiers that are not asked for', { otherwise: keep(1, 1, 1, { tiers: ['hot'] }) }, 'is not tiered'],
    ['no tiers', { otherwise: keep(1, 1, 1, { durability: 'tiered' }) }, 'names no tiers'],
    [
      'a rule that fits everything',
      { rules: [{ name: 'a', when: {}, keep: keep(1, 1, 1) }], otherwise: keep(1, 1, 1) },
      'has no condition',
    ],
    [
      'a rule that fits nothing',
      {
        rules: [{ name: 'a', when: { minBytes: 2, maxBytes: 1 }, keep: keep(1, 1, 1) }],
        otherwise: keep(1, 1, 1),
      },
      'fits nothing',
    ],
    [
      'two rules of a name',
      {
        rules: ['a', 'a'].map((name) => ({ name, when: { minBytes: 1 }, keep: keep(1, 1, 1) })),
        otherwise: keep(1, 1, 1),
      },
      'is the name of another',
    ],
    ['a backend that there is not', { otherwise: keep(1, 1, 1, { backends: ['s4'] }) }, 'did you mean'],
    ['a tag that no backend has', { otherwise: keep(1, 1, 1, { tags: ['host'] }) }, 'did you mean hot?'],
  ])('%s', (_, policy, message) => {
    const refusal = refusalOf(policy)
    expect(refusal.code).toBe('PLACEMENT_POLICY_INVALID')
    expect(refusal.message).toContain(message)
  })
})

describe('what cannot be met is told at once', () => {
  const inMemory = backend('ram', { durability: 'memory' })
  const sameHouse = [
    backend('a', { failureDomain: 'house' }),
    backend('b', { failureDomain: 'house' }),
    backend('c'),
  ]
  test.each([
    [
      'a quorum of three with two domains',
      keep(1, 3, 3),
      sameHouse,
      'needs copies in 3 failure domains, and a, b, c are in 2',
    ],
    [
      'all domains with a maximum below them',
      keep(1, 1, 2, { durability: 'all' }),
      three,
      'it takes 3 copies, and its maximum is 2',
    ],
    [
      'copies in memory',
      keep(1, 1, 1, { backends: ['ram'] }),
      [inMemory, ...three],
      'a copy in memory is no copy',
    ],
    [
      'more copies than backends',
      keep(1, 4, 4, { durability: 'single' }),
      three,
      'wants 4 copies, and there are 3 backends',
    ],
    [
      'a place off-site that there is not',
      keep(1, 1, 1, { backends: ['disk'], offSite: true }),
      three,
      'none of disk is off-site',
    ],
    [
      'a tier that the backends do not have',
      keep(1, 1, 2, { durability: 'tiered', tiers: ['hot', 'cold'], backends: ['disk', 's3'] }),
      three,
      'none of disk, s3 has the tag "cold"',
    ],
    [
      'a cost below the cheapest',
      keep(2, 2, 2, { maxCostPerGiBMonth: 0.01 }),
      three,
      'cheapest copies cost 0.011 a GiB',
    ],
    [
      'backends that take nothing',
      keep(1, 1, 1, { backends: ['web'] }),
      [backend('web', { writable: false }), ...three],
      'no backend that it allows takes copies',
    ],
  ] as const)('%s', (_, otherwise, backends, message) => {
    const refusal = refusalOf({ otherwise }, backends)
    expect(refusal.code).toBe('PLACEMENT_IMPOSSIBLE')
    expect(refusal.message).toContain(message)
  })

  test('but not because a backend is down now', () => {
    const down = three.map((one) => ({ ...one, state: 'down' as const }))
    expect(createEvaluator({ otherwise: keep(1, 3, 3) }, down).backends).toHaveLength(3)
  })
})

test('refuses backends that cannot be told apart, are too many, or cost what is no number', () => {
  const policy = { otherwise: keep(1, 1, 1) }
  expect(() => createEvaluator(policy, [backend('a'), backend('a')])).toThrow('one name')
  expect(() => createEvaluator(policy, [backend('a', { costPerRead: -1 })])).toThrow('costPerRead')
  const many = Array.from({ length: 17 }, (_, at) => backend(`b${at}`))
  expect(() => createEvaluator(policy, many)).toThrow(RangeError)
})
