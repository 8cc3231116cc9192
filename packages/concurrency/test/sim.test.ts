import { checkpoint, now, sim, sleep, taskGroup, withBackend } from '@ipfs-kit/concurrency'
import { describe, expect, test } from 'vitest'

describe('time', () => {
  test('begins at 0 and jumps when nothing can go on', async () => {
    const times = await withBackend(
      async () => {
        const seen = [now()]
        await sleep(1000)
        seen.push(now())
        await sleep(365 * 86_400_000)
        seen.push(now())
        return seen
      },
      { backend: sim(1) },
    )
    expect(times).toEqual([0, 1000, 1000 + 365 * 86_400_000])
  })

  test('does not pass while anything can go on', async () => {
    await withBackend(
      async () => {
        for (let at = 0; at < 100; at++) await checkpoint()
        expect(now()).toBe(0)
      },
      { backend: sim(1) },
    )
  })

  test('sleeps that end at the same time end in any order', async () => {
    const orders = new Set<string>()
    for (let seed = 0; seed < 50; seed++) {
      const order: number[] = []
      const race = async () =>
        await taskGroup((group) => {
          for (const at of [0, 1]) {
            group.spawn(async () => {
              await sleep(10)
              order.push(at)
            })
          }
        })
      await withBackend(race, { backend: sim(seed) })
      orders.add(order.join(''))
    }
    expect(orders.size).toBe(2)
  })
})

test('console does not fail a run', async () => {
  await withBackend(
    async () => {
      console.log('said in a simulated run')
      await sleep(1)
      console.error('and once more')
    },
    { backend: sim(1) },
  )
})

test('promises, microtasks and ticks of the host are no foreign work', async () => {
  await withBackend(
    async () => {
      await Promise.all([Promise.resolve(1), new Promise((resolve) => queueMicrotask(() => resolve(2)))])
      await new Promise<void>((resolve) => process.nextTick(resolve))
      await sleep(1)
    },
    { backend: sim(1) },
  )
})

test('what a run is made of is checked', () => {
  expect(() => sim(-1)).toThrow(RangeError)
  expect(() => sim(1.5)).toThrow(RangeError)
  expect(() => sim(Number.NaN)).toThrow(RangeError)
  expect(() => sim('1' as never)).toThrow(TypeError)
  expect(() => sim(1, { mode: 'random' as never })).toThrow('not uniform or pct')
  expect(() => sim(1, { depth: 0 })).toThrow(RangeError)
  expect(() => sim(1, { maxSteps: 0 })).toThrow(RangeError)
  expect(() => sim(1, { maxstep: 3 } as never)).toThrow('did you mean "maxSteps"')
})
