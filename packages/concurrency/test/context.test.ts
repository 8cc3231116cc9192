import { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import {
  cancelScope,
  checkpoint,
  createOwner,
  createSemaphore,
  currentScope,
  moveOnAfter,
  shield,
  sleep,
  suspend,
  taskGroup,
  type Scope,
} from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test)

onBoth('the current scope travels through awaits, promises and callbacks', async () => {
  const semaphore = createSemaphore(1)
  await cancelScope(async (scope) => {
    const here = () => expect(currentScope()).toBe(scope)
    await checkpoint()
    here()
    await Promise.resolve().then(here)
    await sleep(1).then(here)
    using _permit = await semaphore.acquire()
    here()
    await suspend<void>((resume) => {
      queueMicrotask(() => {
        here()
        resume.resolve()
      })
      return () => undefined
    })
    here()
    await Promise.all([1, 2].map(async () => (await Promise.resolve(), here())))
  })
})

onBoth(
  'each of many tasks sees its own scope after each wait',
  async (main) => {
    await taskGroup(async (group) => {
      for (let at = 0; at < 10; at++) {
        group.spawn(async (task) => {
          for (let round = 0; round < 5; round++) {
            await checkpoint()
            expect(currentScope()).toBe(task)
            await cancelScope(async (inner) => {
              await checkpoint()
              expect(currentScope()).toBe(inner)
              expect(inner.parent).toBe(task)
            })
          }
        })
      }
      await sleep(1)
      expect(currentScope()).toBe(group)
    })
    expect(currentScope()).toBe(main)
  },
  { seeds: 20 },
)

onBoth('a passed scope is waited in instead', async () => {
  await cancelScope(async (other) => {
    await shield(async () => {
      other.cancel()
      await expect(checkpoint({ scope: other })).rejects.toBe(other.reason)
      await expect(createSemaphore(1).acquire({ scope: other })).rejects.toBe(other.reason)
      await checkpoint()
    })
  })
})

onBoth('a scope opened in a passed one has it as parent', async () => {
  await cancelScope(async (one) => {
    await cancelScope(async () => {
      await moveOnAfter(100, (scope) => expect(scope.parent).toBe(one), { scope: one })
      await taskGroup((group) => expect(group.parent).toBe(one), { scope: one })
    })
  })
})

onBoth(
  'a task begins in the async context of its spawner, whoever else spawns at the same time',
  async () => {
    const request = new AsyncLocalStorage<string>()
    const seen: string[] = []
    await using owner = createOwner()
    await taskGroup((group) => {
      for (const id of ['a', 'b', 'c']) {
        request.run(id, () => {
          const note = async () => {
            seen.push(`${id}${request.getStore()}`)
            await checkpoint()
            seen.push(`${id}${request.getStore()}`)
          }
          group.spawn(note)
          group.spawn(() => owner.spawn(note))
        })
      }
    })
    expect(seen.toSorted()).toEqual(['a', 'b', 'c'].flatMap((id) => Array.from({ length: 4 }, () => id + id)))
  },
)

onBoth('awaiting a handle waits in the scope of whoever awaits', async () => {
  await taskGroup(async (group) => {
    const task = group.spawn(() => sleep(2))
    expect(await moveOnAfter(1, async () => (await task, 'joined'))).toBeUndefined()
    await task
  })
})

onBoth('a listener that outlives its scope waits in the nearest open one around it', async (main) => {
  const emitter = new EventEmitter()
  let seen: Scope | undefined
  await cancelScope((scope) => {
    emitter.on('data', () => (seen = currentScope()))
    scope.cancel()
  })
  emitter.emit('data')
  expect(seen).toBe(main)
})

test('outside of any scope the root of the native backend is current', async () => {
  const root = currentScope()
  expect(root.parent).toBeUndefined()
  expect(root.name).toBe('native')
  expect(root.effectiveDeadline).toBe(Infinity)
  expect(() => root.cancel()).toThrow(TypeError)
  await checkpoint()
  expect(root.cancelled).toBe(false)
})
