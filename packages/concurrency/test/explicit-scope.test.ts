import { AsyncLocalStorage } from 'node:async_hooks'
import {
  cancelScope,
  channel,
  checkpoint,
  createSemaphore,
  moveOnAfter,
  now,
  random,
  run,
  sleep,
  suspend,
  taskGroup,
  throwIfCancelled,
  type Scope,
} from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { host } from '../src/host-portable.ts'
import { unhandledDuring } from './unhandled.ts'

const onBoth = forEachBackend(test)

/** Calls `fn` where no scope is current. The suite of portable.test.ts runs on a host that never has one. */
const withoutContext = AsyncLocalStorage.snapshot()

onBoth('where no scope is current, everything that waits takes a passed one', async (main) => {
  await withoutContext(async () => {
    const semaphore = createSemaphore(1)
    const [send, receive] = channel<number>(1)
    const result = await taskGroup(
      async (group) => {
        const producer = group.spawn(async (task) => {
          using _permit = await semaphore.acquire({ scope: task })
          await sleep(1, { scope: task })
          await checkpoint({ scope: task })
          await send.send(7, { scope: task })
          expect(await run(Promise.resolve(1), { scope: task })).toBe(1)
        })
        const value = await receive.receive({ scope: group })
        await producer.join({ scope: group })
        const port = await group.start<number>((started) => started(80), { scope: group })
        expect(now({ scope: group })).toBeGreaterThanOrEqual(1)
        expect(random({ scope: group })).toBeLessThan(1)
        return value + port
      },
      { scope: main },
    )
    expect(result).toBe(87)
  })
})

onBoth('a passed scope is cancelled like the current one', async (main) => {
  await withoutContext(async () => {
    const outcome = await moveOnAfter(
      1,
      async (outer) => {
        await taskGroup(
          (group) => {
            group.spawn((task) => sleep(Infinity, { scope: task }))
            group.spawn((task) =>
              cancelScope((inner) => suspend<never>(() => () => undefined, { scope: inner }), {
                scope: task,
              }),
            )
          },
          { scope: outer },
        )
        return 'not reached'
      },
      { scope: main },
    )
    expect(outcome).toBeUndefined()
    await cancelScope(
      async (scope) => {
        scope.cancel()
        expect(() => throwIfCancelled({ scope })).toThrow(scope.reason as Error)
        await expect(sleep(1, { scope })).rejects.toBe(scope.reason)
      },
      { scope: main },
    )
  })
})

onBoth('a passed scope and a passed signal both cancel a wait', async (main) => {
  const stop = new AbortController()
  await cancelScope(
    async (scope) => {
      const { signal } = stop
      const waits = [sleep(Infinity, { scope, signal }), sleep(Infinity, { scope: main, signal })]
      const settled = Promise.allSettled(waits)
      await checkpoint()
      scope.cancel('scope')
      stop.abort('signal')
      const [one, two] = await settled
      expect(one).toMatchObject({ reason: { message: 'scope' } })
      expect(two).toMatchObject({ reason: 'signal' })
    },
    { scope: main },
  )
})

test('what is no scope of this package is refused', async () => {
  const odd = { cancelled: false } as unknown as Scope
  expect(() => sleep(1, { scope: odd })).toThrow(new TypeError('scope is not a scope of this package'))
  await expect(taskGroup(() => 1, { scope: odd })).rejects.toThrow(TypeError)
})

test('a listener that throws does not reach those who publish, on the host without Node modules either', async () => {
  const channelOf = host.channel('test')
  const heard: unknown[] = []
  const failing = () => {
    throw new Error('listener')
  }
  const hearing = (message: unknown) => void heard.push(message)
  channelOf.subscribe(failing)
  channelOf.subscribe(hearing)
  const uncaught = await uncaughtDuring(() => channelOf.publish('message'))
  expect(heard).toEqual(['message'])
  expect(uncaught.map(String)).toEqual(['Error: listener'])
  channelOf.unsubscribe(failing)
  channelOf.unsubscribe(hearing)
  expect(host.channel('test').hasSubscribers).toBe(false)
})

async function uncaughtDuring(fn: () => void): Promise<unknown[]> {
  const before = process.listeners('uncaughtException')
  const found: unknown[] = []
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => found.push(error))
  try {
    await unhandledDuring(fn)
    return found
  } finally {
    process.removeAllListeners('uncaughtException')
    for (const listener of before) process.on('uncaughtException', listener)
  }
}
