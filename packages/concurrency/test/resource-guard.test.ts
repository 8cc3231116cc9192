import { checkpoint, createResourceGuard, taskGroup } from '@ipfs-kit/concurrency'
import { cancelAtEveryStep, forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test)

onBoth('refuses a second task, and names both', async () => {
  const guard = createResourceGuard({ name: 'socket' })
  await taskGroup(async (group) => {
    const reader = async () => {
      using _ = guard.enter()
      expect(guard.stats()).toEqual({ busy: true, holder: 'reader' })
      const second = () => guard.enter()
      const message = 'task "second" entered "socket" while task "reader" was inside'
      const busy = { errors: [expect.objectContaining({ code: 'CONCURRENCY_BUSY', message }) as unknown] }
      await expect(taskGroup((inner) => void inner.spawn(second))).rejects.toMatchObject(busy)
      await checkpoint()
    }
    await group.spawn(reader)
    using _ = guard.enter()
    expect(guard.stats()).toEqual({ busy: true, holder: undefined })
  })
  expect(guard.stats()).toEqual({ busy: false, holder: undefined })
})

test('refuses the same task too, and leaving twice lets nobody else out', () => {
  const guard = createResourceGuard()
  const first = guard.enter()
  expect(() => guard.enter()).toThrow(expect.objectContaining({ code: 'CONCURRENCY_BUSY', kind: 'conflict' }))
  first[Symbol.dispose]()
  using _ = guard.enter()
  first[Symbol.dispose]()
  expect(guard.stats().busy).toBe(true)
})

test('is free wherever the task inside is cancelled', async () => {
  await cancelAtEveryStep(
    async (victim) => {
      const guard = createResourceGuard()
      await victim(async () => {
        await checkpoint()
        using _ = guard.enter()
        await checkpoint()
      })
      expect(guard.stats().busy).toBe(false)
    },
    { seeds: 5 },
  )
})

test('gives frozen stats and refuses unknown options', () => {
  expect(Object.isFrozen(createResourceGuard().stats())).toBe(true)
  expect(() => createResourceGuard({ action: 'reading' } as never)).toThrow('unknown option "action"')
})
