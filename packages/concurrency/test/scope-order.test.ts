import {
  AbortError,
  cancelScope,
  checkpoint,
  moveOnAfter,
  shield,
  sleep,
  taskGroup,
  TaskGroupError,
  type Scope,
} from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test)
const outOfOrder = { code: 'CONCURRENCY_SCOPE_ORDER' }

onBoth('a scope that ends while one inside it is open cancels and awaits that, and rejects', async () => {
  let ended = false
  let inner: Promise<unknown> | undefined
  const outer = cancelScope(
    () => {
      inner = cancelScope(() => sleep(Infinity).finally(() => (ended = true)), { name: 'inner' })
    },
    { name: 'outer' },
  )
  await expect(outer).rejects.toMatchObject({
    ...outOfOrder,
    message: 'scope "outer" ended while scope "inner" inside it was open',
  })
  expect(ended).toBe(true)
  expect(await inner).toBeUndefined()
})

onBoth('a task that ends while a group inside it is open fails with it', async () => {
  let inner: Promise<unknown> | undefined
  const group = taskGroup((outer) => {
    outer.spawn(
      () => {
        inner = taskGroup(
          (left) => {
            left.spawn(() => sleep(Infinity))
          },
          { name: 'left' },
        ).catch((error: unknown) => error)
      },
      { name: 'leaver' },
    )
  })
  await expect(group).rejects.toMatchObject({
    errors: [{ ...outOfOrder, message: 'task "leaver" ended while group "left" inside it was open' }],
  })
  expect(await inner).toBeUndefined()
})

onBoth(
  'the body of a group that leaves a scope open is a failure of the group, and cancels its tasks',
  async () => {
    const ended: string[] = []
    let inner: Promise<unknown> | undefined
    const group = taskGroup((outer) => {
      outer.spawn(() => sleep(Infinity).finally(() => ended.push('task')))
      inner = moveOnAfter(1000, () => sleep(Infinity).finally(() => ended.push('scope')), { name: 'inner' })
    })
    const error = (await group.catch((thrown: unknown) => thrown)) as TaskGroupError
    expect(error.errors).toMatchObject([outOfOrder])
    expect(ended.toSorted()).toEqual(['scope', 'task'])
    await expect(inner).rejects.toMatchObject({ source: 'sibling' })
  },
)

onBoth('a failure of the body comes first', async () => {
  const failure = new Error('x')
  let inner: Promise<unknown> | undefined
  const outer = cancelScope(() => {
    inner = cancelScope(() => sleep(Infinity))
    throw failure
  })
  await expect(outer).rejects.toBe(failure)
  expect(await inner).toBeUndefined()
})

onBoth('two scopes that are left in the wrong order are told of', async () => {
  const first = Promise.withResolvers<void>()
  let second: Promise<unknown> | undefined
  const scope = cancelScope(
    async () => {
      second = cancelScope(async () => await sleep(Infinity), { name: 'second' })
      await first.promise
    },
    { name: 'first' },
  )
  first.resolve()
  await expect(scope).rejects.toMatchObject(outOfOrder)
  await second
})

onBoth('a shield that is left open is waited for', async () => {
  let ended = false
  let inner: Promise<unknown> | undefined
  const outer = cancelScope(() => {
    inner = shield(() => sleep(2).then(() => (ended = true)))
  })
  await expect(outer).rejects.toMatchObject(outOfOrder)
  expect(ended).toBe(true)
  expect(await inner).toBe(true)
})

onBoth('what is left open may open more as it ends, and is over before the scope is', async () => {
  let rounds = 0
  let left: Promise<unknown> | undefined
  const outer = cancelScope(async () => {
    left = (async () => {
      for (; rounds < 20; rounds++) await cancelScope(() => sleep(1))
    })()
    await checkpoint()
  })
  await expect(outer).rejects.toMatchObject(outOfOrder)
  await left
  expect(rounds).toBe(20)
})

onBoth(
  'what is opened at the very end of what was left open is over before the scope is, or refused',
  async () => {
    const order: unknown[] = []
    let left: Promise<unknown> | undefined
    const openLate = async (scope: Scope) => {
      try {
        await cancelScope(() => sleep(Infinity), { scope })
        order.push('late')
      } catch (error) {
        order.push((error as { code?: unknown }).code)
      }
    }
    const outer = cancelScope((scope) => {
      left = shield(async () => {
        // Left over when the shield ends, and settled by that.
        void sleep(Infinity).catch(() => openLate(scope))
        await sleep(1)
      })
    }).finally(() => order.push('outer'))
    await expect(outer).rejects.toMatchObject(outOfOrder)
    await left
    await sleep(1)
    expect([
      ['late', 'outer'],
      ['outer', 'CONCURRENCY_SCOPE_CLOSED'],
    ]).toContainEqual(order)
  },
)

onBoth('waits that are left over when a scope ends are settled, and take nothing', async () => {
  let left: Promise<unknown> | undefined
  await cancelScope(
    () => {
      left = sleep(Infinity).catch((error: unknown) => error)
    },
    { name: 'outer' },
  )
  const error = await left
  expect(error).toBeInstanceOf(AbortError)
  expect(error).toMatchObject({
    source: 'explicit',
    scope: 'outer',
    message: 'scope "outer" ended while this wait was pending',
  })
})

onBoth('a scope that has ended cannot be passed', async () => {
  let kept: Scope | undefined
  await cancelScope((scope) => void (kept = scope), { name: 'gone' })
  const gone = { code: 'CONCURRENCY_SCOPE_CLOSED', message: expect.stringContaining('"gone"') }
  expect(() => sleep(1, { scope: kept })).toThrow(expect.objectContaining(gone))
  await expect(cancelScope(() => 1, { scope: kept })).rejects.toMatchObject(gone)
  await expect(taskGroup(() => 1, { scope: kept })).rejects.toMatchObject(gone)
})

onBoth('code that outlives its scope waits in the nearest open one around it', async () => {
  let left: Promise<unknown> | undefined
  const outcome = await cancelScope(async (outer) => {
    const gate = Promise.withResolvers<void>()
    await cancelScope((scope) => {
      left = gate.promise.then(() => sleep(Infinity)).catch((error: unknown) => error)
      scope.cancel()
    })
    gate.resolve()
    await sleep(1)
    outer.cancel('outer')
    await checkpoint()
  })
  expect(outcome).toBeUndefined()
  expect(await left).toMatchObject({ message: 'outer' })
})
