import { checkpoint, createOwner, sleep, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { unhandledDuring } from './unhandled.ts'

const onBoth = forEachBackend(test)
const failure = new Error('x')

onBoth('onError is told of failures whose handle nobody awaited, with the name of the task', async () => {
  const told: unknown[] = []
  await using owner = createOwner({ onError: (error, task) => told.push([error, task]) })
  owner.spawn(() => Promise.reject(failure), { name: 'refill' })
  const awaited = owner.spawn(() => checkpoint().then(() => Promise.reject(failure)))
  await expect(awaited).rejects.toBe(failure)
  owner.spawn(() => sleep(Infinity)).cancel()
  await sleep(1)
  expect(told).toEqual([[failure, 'refill']])
})

test('without onError a failure that nobody asks for is an unhandled rejection', async () => {
  const found = await unhandledDuring(async () => {
    await using owner = createOwner()
    owner.spawn(() => Promise.reject(failure))
    owner.spawn(() => sleep(Infinity))
    await sleep(1)
  })
  expect(found).toEqual([failure])
})

test('a handle that is awaited soon after the failure handles it', async () => {
  const found = await unhandledDuring(async () => {
    await using owner = createOwner()
    const task = owner.spawn(() => Promise.reject(failure))
    await Promise.resolve()
    await Promise.resolve()
    await Promise.resolve()
    await expect(task).rejects.toBe(failure)
    await expect(task.join()).rejects.toBe(failure)
  })
  expect(found).toEqual([])
})

test('a failing task of a group is no unhandled rejection, with or without its handle', async () => {
  const found = await unhandledDuring(async () => {
    const group = taskGroup(async (inner) => {
      inner.spawn(() => Promise.reject(failure))
      inner.spawn(() => Promise.reject(new Error('y')))
      await sleep(Infinity)
    })
    await expect(group).rejects.toMatchObject({ name: 'TaskGroupError' })
  })
  expect(found).toEqual([])
})

test('what onError throws is an unhandled rejection, and the owner can be closed', async () => {
  const thrown = new Error('in the handler')
  const found = await unhandledDuring(async () => {
    await using owner = createOwner({
      onError: () => {
        throw thrown
      },
    })
    owner.spawn(() => Promise.reject(failure))
    await sleep(1)
    expect(owner.stats()).toMatchObject({ tasks: 0, failed: 1 })
  })
  expect(found).toEqual([thrown])
})
