import {
  cancelScope,
  checkpoint,
  failAfter,
  failAt,
  moveOnAfter,
  moveOnAt,
  now,
  shield,
  sleep,
  sleepUntil,
  taskGroup,
  TimeoutError,
} from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test, vi } from 'vitest'

const onBoth = forEachBackend(test)

onBoth('moveOnAfter and moveOnAt give the value, or undefined when the time is up', async () => {
  expect(await moveOnAfter(1000, () => 'in time')).toBe('in time')
  expect(await moveOnAfter(1, () => sleep(Infinity))).toBeUndefined()
  expect(await moveOnAt(now() + 1000, () => 'in time')).toBe('in time')
  expect(await moveOnAt(now() + 1, () => sleep(Infinity))).toBeUndefined()
})

onBoth(
  'failAfter and failAt give the value, or reject with a TimeoutError that names the scope',
  async () => {
    expect(await failAfter(1000, () => 'in time')).toBe('in time')
    expect(await failAt(now() + 1000, () => 'in time')).toBe('in time')
    for (const late of [
      () => failAfter(1, () => sleep(Infinity), { name: 'fetch' }),
      () => failAt(now() + 1, () => sleep(Infinity), { name: 'fetch' }),
    ]) {
      const error = await late().catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(TimeoutError)
      expect(error).toMatchObject({
        name: 'TimeoutError',
        source: 'deadline',
        scope: 'fetch',
        message: 'the deadline of scope "fetch" has passed',
      })
    }
  },
)

onBoth('a body that catches the TimeoutError and returns has its value', async () => {
  expect(await failAfter(1, () => sleep(Infinity).catch(() => 'partial'))).toBe('partial')
  expect(await moveOnAfter(1, () => sleep(Infinity).catch(() => 'partial'))).toBe('partial')
})

onBoth('a deadline that has passed cuts off at the first wait, and the body is called', async () => {
  const called: string[] = []
  await sleep(5)
  expect(
    await moveOnAt(now() - 5, async (scope) => {
      called.push(`cancelled: ${scope.cancelled}`)
      await checkpoint()
      called.push('not reached')
    }),
  ).toBeUndefined()
  await moveOnAfter(0, async (scope) => {
    called.push(`cancelled: ${scope.cancelled}`)
    await checkpoint()
  })
  await expect(failAt(0, () => checkpoint())).rejects.toBeInstanceOf(TimeoutError)
  await expect(taskGroup(() => checkpoint(), { deadline: now() - 1 })).rejects.toBeInstanceOf(TimeoutError)
  expect(called).toEqual(['cancelled: true', 'cancelled: true'])
})

onBoth('without time to wait a body is not cut off by a deadline that has passed', async () => {
  expect(await moveOnAfter(0, () => 'value')).toBe('value')
})

onBoth('the earliest deadline around counts, up to a shield', async () => {
  const start = now()
  await cancelScope(
    async (outer) => {
      expect(outer.deadline).toBe(start + 1_000_000)
      expect(outer.effectiveDeadline).toBe(start + 1_000_000)
      await cancelScope(
        async (later) => {
          expect(later.deadline).toBe(start + 2_000_000)
          expect(later.effectiveDeadline).toBe(start + 1_000_000)
          await cancelScope((sooner) => expect(sooner.effectiveDeadline).toBe(start + 500_000), {
            deadline: start + 500_000,
          })
          await cancelScope((plain) => {
            expect(plain.deadline).toBeUndefined()
            expect(plain.effectiveDeadline).toBe(start + 1_000_000)
          })
          await taskGroup((group) => {
            group.spawn((task) => expect(task.effectiveDeadline).toBe(start + 1_000_000))
          })
          await shield((shielded) => expect(shielded.effectiveDeadline).toBe(Infinity))
          await shield((shielded) => expect(shielded.effectiveDeadline).toBe(start + 700_000), {
            deadline: start + 700_000,
          })
        },
        { deadline: start + 2_000_000 },
      )
    },
    { deadline: start + 1_000_000 },
  )
  await cancelScope((scope) => expect(scope.effectiveDeadline).toBe(Infinity))
})

onBoth('an outer deadline cuts through inner ones, with its own reason', async () => {
  const outcome = await moveOnAfter(
    1,
    () => failAfter(1000, () => sleep(Infinity), { name: 'inner' }).catch((error: unknown) => error),
    { name: 'outer' },
  )
  expect(outcome).toMatchObject({ name: 'TimeoutError', scope: 'outer' })
})

onBoth('a deadline of Infinity is none', async () => {
  expect(await moveOnAfter(Infinity, async () => (await sleep(1), 'value'))).toBe('value')
  expect(await failAt(Infinity, () => 'value')).toBe('value')
})

onBoth(
  'three hundred deadlines fire in their order',
  async () => {
    const fired: number[] = []
    const start = now()
    await taskGroup((group) => {
      for (let at = 0; at < 300; at++) {
        const after = 1 + ((at * 7919) % 300) / 75
        group.spawn(() => moveOnAt(start + after, () => sleep(Infinity).finally(() => fired.push(after))))
      }
    })
    expect(fired).toHaveLength(300)
    expect(fired).toEqual(fired.toSorted((a, b) => a - b))
  },
  { seeds: 3, only: 'sim' },
)

onBoth('a deadline of a scope that has ended does nothing', async () => {
  const scope = await moveOnAfter(1, (inner) => inner)
  await sleep(3)
  expect(scope!.cancelled).toBe(false)
})

onBoth('the clock does not go back, and sleeps are not too short', async () => {
  const start = now()
  await sleep(2)
  expect(now()).toBeGreaterThanOrEqual(start + 2)
  const at = now() + 1.5
  await sleepUntil(at)
  expect(now()).toBeGreaterThanOrEqual(at)
})

onBoth(
  'a sleep does not overtake one that is due before it, though its time passes while it is asked for',
  async () => {
    const start = performance.now()
    let reads = 0
    // As on a machine that does something else between any two looks at the clock.
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => start + 5 * reads++)
    const order: number[] = []
    try {
      await Promise.all([12, 3].map((ms) => sleep(ms).then(() => order.push(ms))))
    } finally {
      clock.mockRestore()
    }
    expect(order).toEqual([12, 3])
  },
  { only: 'native' },
)

onBoth(
  'in the simulator time moves by what is slept, and by nothing else',
  async () => {
    const start = now()
    await moveOnAfter(86_400_000, () => sleep(Infinity))
    expect(now()).toBe(start + 86_400_000)
    for (let at = 0; at < 100; at++) await checkpoint()
    expect(now()).toBe(start + 86_400_000)
  },
  { only: 'sim' },
)
