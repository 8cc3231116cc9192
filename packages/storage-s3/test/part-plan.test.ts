import { expect, test } from 'vitest'
import { bytesOfPart, maxParts, planParts } from '../src/part-plan.ts'

const mebi = 1024 ** 2
const tebi = 1024 ** 4

/** Bytes of all the parts that an upload may have. */
function most(plan: Parameters<typeof bytesOfPart>[0]): number {
  let bytes = 0
  for (let number = 1; number <= maxParts; number += 1) bytes += bytesOfPart(plan, number)
  return bytes
}

test.each([0, 1, 8 * mebi, 80_000 * mebi, 80_000 * mebi + 1, 5 * tebi])(
  'a body of %i bytes fits into equal parts',
  (size) => {
    const plan = planParts(8 * mebi, size, true)
    expect(plan.grows).toBe(false)
    expect(plan.partBytes).toBeGreaterThanOrEqual(8 * mebi)
    expect(most(plan)).toBeGreaterThanOrEqual(size)
  },
)

test('parts of a body whose size nobody knows grow until they hold 5 TiB, and do not at first', () => {
  const plan = planParts(8 * mebi, undefined, false)
  expect([1, 1000, 1001, 2001].map((number) => bytesOfPart(plan, number) / mebi)).toEqual([8, 8, 16, 32])
  expect(most(plan)).toBeGreaterThanOrEqual(5 * tebi)
  expect(bytesOfPart(planParts(1024 * mebi, undefined, false), maxParts)).toBe(5 * 1024 ** 3)
})

test('past the last part a body is refused, with what to do where parts have to be equal', () => {
  expect(() => bytesOfPart(planParts(8 * mebi, undefined, true), maxParts + 1)).toThrow('give the size')
  expect(() => bytesOfPart(planParts(8 * mebi, undefined, false), maxParts + 1)).toThrow(
    'at most 10000 parts',
  )
})
