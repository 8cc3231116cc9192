import { cancelScope, checkpoint, createOwner, moveOnAfter, run, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { unhandledDuring } from './unhandled.ts'

const onBoth = forEachBackend(test)

onBoth('gives what a foreign promise gives', async () => {
  const failure = new Error('x')
  expect(await run(Promise.resolve(1))).toBe(1)
  await expect(run(Promise.reject(failure))).rejects.toBe(failure)
  const thenable = { then: (resolve: (value: number) => void) => void Promise.resolve(2).then(resolve) }
  expect(await run(thenable as unknown as PromiseLike<number>)).toBe(2)
  expect(await taskGroup((group) => run(group.spawn(() => 3)))).toBe(3)
})

onBoth('stops waiting when it is cancelled, and the work goes on', async () => {
  const work = Promise.withResolvers<string>()
  expect(await moveOnAfter(1, () => run(work.promise))).toBeUndefined()
  work.resolve('went on')
  expect(await run(work.promise)).toBe('went on')
})

test('what comes of work that is no longer waited for is dropped', async () => {
  const found = await unhandledDuring(async () => {
    const work = Promise.withResolvers<string>()
    await moveOnAfter(1, () => run(work.promise))
    work.reject(new Error('late'))
    await cancelScope(async (scope) => {
      scope.cancel()
      await run(Promise.reject(new Error('before')))
    })
  })
  expect(found).toEqual([])
})

onBoth('in a cancelled scope it rejects with the reason, also for a settled promise', async () => {
  await cancelScope(async (scope) => {
    scope.cancel()
    await expect(run(Promise.resolve(1))).rejects.toBe(scope.reason)
    await expect(run(Promise.reject(new Error('x')))).rejects.toBe(scope.reason)
  })
})

onBoth('a thenable that throws rejects', async () => {
  const failure = new Error('then')
  const odd = {
    then() {
      throw failure
    },
  } as unknown as PromiseLike<never>
  await expect(run(odd)).rejects.toBe(failure)
  await checkpoint()
})

test('waits that gave up a promise leave nothing on it', async () => {
  let reactions = 0
  const promise: PromiseLike<never> = {
    then() {
      reactions += 1
      return this as never
    },
  }
  for (let at = 0; at < 100; at++) await moveOnAfter(0, () => run(promise))
  expect(reactions).toBe(1)
})

onBoth('several waits for one promise all hear of it, and later ones too', async () => {
  const { promise, resolve } = Promise.withResolvers<number>()
  await taskGroup(async (group) => {
    const tasks = [1, 2, 3].map(() => group.spawn(() => run(promise)))
    await checkpoint()
    resolve(5)
    for (const task of tasks) expect(await task).toBe(5)
  })
  expect(await run(promise)).toBe(5)
})

onBoth('a handle that several wait for is not left when the first of them is cancelled', async () => {
  await using owner = createOwner()
  const work = owner.spawn(async () => {
    for (let at = 0; at < 5; at++) await checkpoint()
    return 'done'
  })
  await taskGroup((group) => {
    const first = group.spawn(() => run(work))
    group.spawn(async () => expect(await run(work)).toBe('done'))
    group.spawn(async () => {
      await checkpoint()
      first.cancel()
    })
  })
})
