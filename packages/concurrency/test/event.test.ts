import { createEvent, moveOnAfter, cancelScope, taskGroup } from '@ipfs-kit/concurrency'
import { cancelAtEveryStep, forEachBackend, waitAllTasksBlocked } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test)

onBoth('lets everyone who waits go on when it is set', async () => {
  const event = createEvent({ name: 'ready' })
  const seen: number[] = []
  await taskGroup(async (group) => {
    for (let at = 0; at < 4; at++) {
      group.spawn(async () => {
        await event.wait()
        seen.push(at)
      })
    }
    await waitAllTasksBlocked()
    expect(event.stats()).toEqual({ isSet: false, waiting: 4 })
    expect(seen).toEqual([])
    event.set()
    expect(event.stats()).toEqual({ isSet: true, waiting: 0 })
  })
  expect(seen.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3])
})

onBoth(
  'wakes in the order of arrival',
  async () => {
    const event = createEvent()
    const seen: number[] = []
    await taskGroup(async (group) => {
      for (let at = 0; at < 4; at++) {
        group.spawn(async () => {
          await event.wait()
          seen.push(at)
        })
      }
      await waitAllTasksBlocked()
      event.set()
    })
    expect(seen).toEqual([0, 1, 2, 3])
  },
  { only: 'native' },
)

onBoth('stays set, and waiting for it returns at once', async () => {
  const event = createEvent()
  event.set()
  event.set()
  await event.wait()
  expect(event.isSet).toBe(true)
})

onBoth('lets a cancelled waiter go at once, and the others wait on', async () => {
  const event = createEvent()
  const controller = new AbortController()
  const reason = { why: 'a foreign reason' }
  await taskGroup(async (group) => {
    const stays = group.spawn(async () => await event.wait())
    const leaves = group.spawn(
      async () => await event.wait({ signal: controller.signal }).catch((e: unknown) => e),
    )
    await waitAllTasksBlocked()
    controller.abort(reason)
    expect(await leaves).toBe(reason)
    expect(event.stats().waiting).toBe(1)
    event.set()
    await stays
  })
})

onBoth('rejects in a cancelled scope, also when it is set', async () => {
  const event = createEvent()
  event.set()
  await cancelScope(async (scope) => {
    scope.cancel()
    await expect(event.wait()).rejects.toBe(scope.reason)
  })
})

test('leaves nobody in the queue wherever a waiter is cancelled', async () => {
  await cancelAtEveryStep(
    async (victim) => {
      const event = createEvent()
      await taskGroup(async (group) => {
        group.spawn(async () => {
          await victim(async () => await event.wait())
        })
        const other = group.spawn(async () => await event.wait())
        await waitAllTasksBlocked()
        expect(event.stats().waiting).toBeLessThanOrEqual(2)
        event.set()
        await other
      })
      expect(event.stats()).toEqual({ isSet: true, waiting: 0 })
    },
    { seeds: 20 },
  )
})

onBoth('is not set by a wait that timed out', async () => {
  const event = createEvent()
  expect(await moveOnAfter(1, async () => await event.wait())).toBeUndefined()
  expect(event.isSet).toBe(false)
})

test('gives frozen stats and refuses unknown options', () => {
  expect(Object.isFrozen(createEvent().stats())).toBe(true)
  expect(() => createEvent({ nmae: 'x' } as never)).toThrow('unknown option "nmae", did you mean "name"?')
  expect(() => createEvent().wait({ signl: 1 } as never)).toThrow(TypeError)
})
