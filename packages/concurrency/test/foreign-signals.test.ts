import { EventEmitter, getEventListeners, once } from 'node:events'
import {
  cancelScope,
  checkpoint,
  createSemaphore,
  failAfter,
  moveOnAfter,
  run,
  shield,
  sleep,
  suspend,
  taskGroup,
} from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { onDeno } from './runtime.ts'

const onBoth = forEachBackend(test)
const reasons = [new Error('stop'), 'text', 5, Number.NaN, null, { why: 'closing' }, Symbol('stop')]

onBoth(
  'a wait that is given a signal rejects with its untouched reason, of whatever type',
  async () => {
    for (const reason of reasons) {
      const stop = new AbortController()
      const semaphore = createSemaphore(1)
      using _held = await semaphore.acquire()
      const waits = [
        () => sleep(Infinity, { signal: stop.signal }),
        () => semaphore.acquire({ signal: stop.signal }),
        () => run(new Promise<never>(() => undefined), { signal: stop.signal }),
        () => suspend<never>(() => () => undefined, { signal: stop.signal }),
      ]
      const all = Promise.allSettled(waits.map(async (wait) => await wait()))
      await checkpoint()
      stop.abort(reason)
      const settled = await all
      expect(settled).toEqual(waits.map(() => ({ status: 'rejected', reason })))
      expect(semaphore.stats().waiting).toBe(0)
      for (const wait of waits) await expect(wait()).rejects.toBe(reason)
      expect(getEventListeners(stop.signal, 'abort')).toEqual([])
    }
  },
  { seeds: 10 },
)

onBoth(
  'a scope that is given a signal rejects with its untouched reason',
  async () => {
    for (const reason of reasons) {
      const stop = new AbortController()
      const { signal } = stop
      const cut = [
        cancelScope(() => sleep(Infinity), { signal }),
        moveOnAfter(1000, () => sleep(Infinity), { signal }),
        failAfter(1000, () => sleep(Infinity), { signal }),
        shield(() => sleep(Infinity), { signal }),
        taskGroup(() => sleep(Infinity), { signal }),
        taskGroup((group) => void group.spawn(() => sleep(Infinity)), { signal }),
      ]
      const all = Promise.allSettled(cut)
      await checkpoint()
      stop.abort(reason)
      expect(await all).toEqual(cut.map(() => ({ status: 'rejected', reason })))
      expect(getEventListeners(signal, 'abort')).toEqual([])
    }
  },
  { seeds: 10 },
)

onBoth('a signal that is aborted before cuts off at the first wait', async () => {
  const signal = AbortSignal.abort('before')
  let called = false
  await expect(
    cancelScope(
      async (scope) => {
        called = true
        expect(scope.reason).toBe('before')
        await checkpoint()
      },
      { signal },
    ),
  ).rejects.toBe('before')
  expect(called).toBe(true)
  await expect(sleep(1, { signal })).rejects.toBe('before')
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

onBoth(
  'one listener serves all scopes and waits of a signal, and goes with the last of them',
  async () => {
    const { signal } = new AbortController()
    const listeners = () => getEventListeners(signal, 'abort').length
    await taskGroup(async (group) => {
      for (let at = 0; at < 100; at++) {
        group.spawn(() => cancelScope(() => sleep(1 + (at % 3)), { signal }))
        group.spawn(() => sleep(2, { signal }))
      }
      await sleep(0.5)
      expect(listeners()).toBe(1)
    })
    expect(listeners()).toBe(0)
  },
  { seeds: 10 },
)

onBoth('a scope that was cancelled before its signal keeps its reason', async () => {
  const stop = new AbortController()
  await cancelScope(
    async (scope) => {
      scope.cancel('own')
      stop.abort('foreign')
      expect(scope.reason).toMatchObject({ message: 'own' })
      await checkpoint()
    },
    { signal: stop.signal },
  )
  expect(getEventListeners(stop.signal, 'abort')).toEqual([])
})

// The error of Deno's `once` does not name its cause.
forEachBackend(test.skipIf(onDeno))(
  'functions of Node that are given the signal of a scope count as cut off by it',
  async () => {
    const emitter = new EventEmitter()
    const wait = (signal: AbortSignal) => once(emitter, 'never', { signal })
    expect(await moveOnAfter(1, (scope) => wait(scope.signal))).toBeUndefined()
    await expect(failAfter(1, (scope) => wait(scope.signal))).rejects.toMatchObject({ name: 'TimeoutError' })
    await taskGroup((group) => {
      const task = group.spawn(({ signal }) => wait(signal))
      group.spawn(async () => {
        await checkpoint()
        group.cancel('enough')
        await expect(shield(() => task.join())).rejects.toBe(group.reason)
      })
    })
    expect(emitter.listenerCount('never')).toBe(0)
  },
)

onBoth('an abort of somebody else is a failure, not a cancellation', async () => {
  const other = AbortSignal.abort(new Error('other'))
  await expect(
    moveOnAfter(1, () => once(new EventEmitter(), 'never', { signal: other })),
  ).rejects.toMatchObject({ code: 'ABORT_ERR' })
  const group = taskGroup((inner) => {
    inner.cancel()
    inner.spawn(() => once(new EventEmitter(), 'never', { signal: other }))
  })
  await expect(group).rejects.toMatchObject({ errors: [{ code: 'ABORT_ERR' }] })
})
