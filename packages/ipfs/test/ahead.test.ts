import { cancelScope, createEvent, createOwner, sleep } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { Ahead } from '../src/ahead.ts'

const onBoth = forEachBackend(test, { seeds: 20 })

onBoth('gives results in the order in which their work was begun, and a failure in its turn', async () => {
  await using owner = createOwner({ name: 'test' })
  await using ahead = new Ahead<number>(owner, 'work')
  ahead.begin(async () => sleep(3).then(() => 1))
  ahead.begin(async () => {
    throw new Error('the second')
  })
  ahead.add(3)
  ahead.begin(async () => 4)
  expect(ahead.size).toBe(4)
  expect(await ahead.next()).toBe(1)
  await expect(ahead.next()).rejects.toThrow('the second')
  expect([await ahead.next(), await ahead.next(), ahead.size]).toEqual([3, 4, 0])
})

onBoth(
  'cancels what runs when it is left, also what was waited for, and is left when that has ended',
  async () => {
    await using owner = createOwner({ name: 'test' })
    const ended: string[] = []
    const begun = createEvent()
    let left: AbortSignal | undefined
    await cancelScope(async (scope) => {
      await using ahead = new Ahead<void>(owner, 'work')
      left = ahead.left
      for (const name of ['waited for', 'not waited for']) {
        ahead.begin(async () => {
          try {
            begun.set()
            await sleep(1_000_000)
          } finally {
            for (let turn = 0; turn < 5; turn += 1) await Promise.resolve()
            ended.push(name)
          }
        })
      }
      const waiting = ahead.next()
      await begun.wait()
      scope.cancel()
      await waiting
    })
    expect(ended.toSorted()).toEqual(['not waited for', 'waited for'])
    expect(left?.aborted).toBe(true)
    expect(owner.stats()).toMatchObject({ tasks: 0, failed: 0 })
  },
)
