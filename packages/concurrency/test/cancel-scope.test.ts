import {
  AbortError,
  cancelScope,
  checkpoint,
  currentScope,
  failAfter,
  moveOnAfter,
  type Resume,
  sleep,
  suspend,
  taskGroup,
  throwIfCancelled,
  TimeoutError,
} from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test)

onBoth('gives what its body returned, and undefined if it was cut off by its own cancellation', async () => {
  expect(await cancelScope(() => 'value')).toBe('value')
  expect(
    await cancelScope(async (scope) => {
      scope.cancel()
      await sleep(1)
      return 'not reached'
    }),
  ).toBeUndefined()
})

onBoth('a body that returns although it was cancelled gives its value', async () => {
  expect(
    await cancelScope(async (scope) => {
      scope.cancel()
      await checkpoint().catch(() => undefined)
      return 'anyway'
    }),
  ).toBe('anyway')
})

onBoth('other errors come through, also from a cancelled body', async () => {
  const failure = new Error('other')
  await expect(cancelScope(() => Promise.reject(failure))).rejects.toBe(failure)
  await expect(
    cancelScope(async (scope) => {
      scope.cancel()
      await checkpoint().catch(() => undefined)
      throw failure
    }),
  ).rejects.toBe(failure)
  await expect(cancelScope(() => Promise.reject(5))).rejects.toBe(5)
})

onBoth('the reason is an Error that names the source and the scope', async () => {
  const cause = new Error('the disk is gone')
  await cancelScope(
    (scope) => {
      expect(scope.reason).toBeUndefined()
      scope.cancel(cause)
      expect(scope.reason).toBeInstanceOf(AbortError)
      expect(scope.reason).toMatchObject({
        name: 'AbortError',
        source: 'explicit',
        scope: 'sync',
        message: 'the disk is gone',
        cause,
      })
    },
    { name: 'sync' },
  )
  await cancelScope(
    (scope) => {
      scope.cancel()
      expect((scope.reason as Error).message).toBe('scope "sync" was cancelled')
      expect((scope.reason as Error).cause).toBeUndefined()
    },
    { name: 'sync' },
  )
})

onBoth('every later wait rejects again, with the same reason, also in scopes opened later', async () => {
  await cancelScope(async (scope) => {
    scope.cancel()
    const { reason } = scope
    for (let at = 0; at < 40; at++) await expect(checkpoint()).rejects.toBe(reason)
    await expect(sleep(5)).rejects.toBe(reason)
    await expect(cancelScope(() => checkpoint())).rejects.toBe(reason)
    await expect(taskGroup(() => checkpoint())).rejects.toBe(reason)
    await expect(moveOnAfter(5, () => sleep(Infinity))).rejects.toBe(reason)
    expect(() => throwIfCancelled()).toThrow(reason as Error)
    await cancelScope((inner) => {
      expect(inner.cancelled).toBe(true)
      expect(inner.reason).toBe(reason)
    })
  })
})

onBoth('waits in a finally block of what was cut off reject as well', async () => {
  const seen: unknown[] = []
  await cancelScope(async (scope) => {
    scope.cancel()
    try {
      await sleep(1)
    } finally {
      await sleep(1).catch((error: unknown) => seen.push(error))
      await sleep(1).catch((error: unknown) => seen.push(error))
      expect(seen).toEqual([scope.reason, scope.reason])
    }
  })
  expect(seen).toHaveLength(2)
})

onBoth('cancelling settles a wait that is parked, however deep', async () => {
  let cut = 0
  await taskGroup(async (group) => {
    const scope = await group.start<{ cancel(): void }>(async (started) => {
      await cancelScope(async (outer) => {
        started(outer)
        await cancelScope(async () => {
          await taskGroup((inner) => {
            for (let at = 0; at < 3; at++) inner.spawn(() => sleep(Infinity).catch(() => void (cut += 1)))
          })
        })
      })
    })
    await sleep(1)
    scope.cancel()
  })
  expect(cut).toBe(3)
})

onBoth('of two nested scopes that are both cancelled, each takes what is its own', async () => {
  const order: string[] = []
  await cancelScope(async (outer) => {
    await cancelScope(async (inner) => {
      inner.cancel('inner')
      outer.cancel('outer')
      expect(inner.reason).toMatchObject({ message: 'inner' })
      await checkpoint()
    })
    order.push('between')
    await expect(checkpoint()).rejects.toMatchObject({ message: 'outer' })
    await checkpoint()
    order.push('not reached')
  })
  await cancelScope(async (outer) => {
    await cancelScope(async (inner) => {
      outer.cancel('outer')
      inner.cancel('inner')
      expect(inner.reason).toBe(outer.reason)
      await checkpoint()
    })
    order.push('not reached')
  })
  expect(order).toEqual(['between'])
})

onBoth('cancelling one scope leaves its parent and its siblings alone', async () => {
  await cancelScope(async (outer) => {
    await cancelScope(async (inner) => {
      inner.cancel()
      await checkpoint()
    })
    expect(outer.cancelled).toBe(false)
    await checkpoint()
    expect(await cancelScope(async () => (await checkpoint(), 'whole'))).toBe('whole')
    expect(currentScope()).toBe(outer)
  })
})

onBoth('cancelling from a task reaches a scope that was opened around its group', async () => {
  const outcome = await cancelScope(async (scope) => {
    await taskGroup((group) => {
      group.spawn(() => sleep(Infinity))
      group.spawn(() => scope.cancel())
    })
    return 'not reached'
  })
  expect(outcome).toBeUndefined()
})

/** A resource whose disposal waits. */
const polite = (): AsyncDisposable => ({ [Symbol.asyncDispose]: () => sleep(1) })

onBoth('a disposal that waits does not turn a cancellation into a failure', async () => {
  const body = async (): Promise<void> => {
    await using _outer = polite()
    await using _inner = polite()
    await sleep(Infinity)
  }
  expect(await moveOnAfter(1, body)).toBeUndefined()
  await expect(failAfter(1, body)).rejects.toBeInstanceOf(TimeoutError)
  await taskGroup(async (group) => {
    group.spawn(body)
    await checkpoint()
    group.cancel()
  })
  const failing = async (): Promise<void> => {
    await using _resource = polite()
    await using _broken = {
      [Symbol.asyncDispose]: () => Promise.reject(new Error('cannot close')),
    }
    await sleep(Infinity)
  }
  await expect(moveOnAfter(1, failing)).rejects.toThrow('cannot close')
})

onBoth('Promise.any of cancelled waits is the cancellation', async () => {
  expect(await moveOnAfter(1, () => Promise.any([sleep(100), sleep(200)]))).toBeUndefined()
})

onBoth('its waits are cut off the oldest first, also after some have gone on', async () => {
  const order: string[] = []
  const resumes = new Map<string, Resume<void>>()
  await cancelScope(async (scope) => {
    const begin = (name: string): void => {
      const wait = suspend<void>((resume) => {
        resumes.set(name, resume)
        return () => void order.push(name)
      })
      wait.catch(() => undefined)
    }
    for (const name of ['a', 'b', 'c', 'd']) begin(name)
    for (const name of ['a', 'c']) resumes.get(name)!.resolve()
    await checkpoint()
    begin('e')
    scope.cancel()
  })
  expect(order).toEqual(['b', 'd', 'e'])
})
