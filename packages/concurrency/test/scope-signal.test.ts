import { cancelScope, checkpoint, currentScope, moveOnAfter, sleep, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test, vi } from 'vitest'

const onBoth = forEachBackend(test)

onBoth('the signal of a scope is made once, when it is read, and aborts with the reason', async () => {
  await cancelScope(async (scope) => {
    const { signal } = scope
    expect(scope.signal).toBe(signal)
    expect(signal.aborted).toBe(false)
    scope.cancel('stop')
    expect(signal.aborted).toBe(true)
    expect(signal.reason).toBe(scope.reason)
  })
})

onBoth('a signal that is first read after the cancellation is aborted', async () => {
  await cancelScope(async (scope) => {
    scope.cancel('stop')
    expect(scope.signal.aborted).toBe(true)
    expect(scope.signal.reason).toBe(scope.reason)
    await cancelScope((inner) => expect(inner.signal.reason).toBe(scope.reason))
  })
})

test('no AbortController is made for scopes and tasks whose signal nobody reads', async () => {
  const made = vi.spyOn(globalThis, 'AbortController')
  try {
    await taskGroup((group) => {
      for (let at = 0; at < 10; at++) group.spawn(() => moveOnAfter(1, () => sleep(Infinity)))
    })
    expect(made).not.toHaveBeenCalled()
    expect(currentScope().signal.aborted).toBe(false)
  } finally {
    made.mockRestore()
  }
})

onBoth('cancelling a scope aborts the signals of all scopes inside it, and no others', async () => {
  await cancelScope(async (outer) => {
    const signals: AbortSignal[] = []
    await cancelScope(async (scope) => {
      await cancelScope(async (inner) => {
        signals.push(outer.signal, scope.signal, inner.signal)
        scope.cancel()
        expect(signals.map(({ aborted }) => aborted)).toEqual([false, true, true])
      })
    })
  })
})

onBoth('a listener that looks around finds the whole tree cancelled', async () => {
  await cancelScope(async (outer) => {
    const seen: boolean[] = []
    await cancelScope((inner) => {
      inner.signal.addEventListener('abort', () => seen.push(outer.cancelled, inner.cancelled))
      outer.signal.addEventListener('abort', () => seen.push(outer.cancelled, inner.cancelled))
      outer.cancel()
    })
    expect(seen).toEqual([true, true, true, true])
  })
})

onBoth('a listener may cancel again, spawn, and wait', async () => {
  const order: string[] = []
  await taskGroup(async (group) => {
    group.signal.addEventListener('abort', () => {
      group.cancel('again')
      group.spawn(async (task) => {
        order.push(`spawned, cancelled: ${task.cancelled}`)
        await checkpoint({ scope: task })
        order.push('not reached')
      })
    })
    group.cancel('first')
    expect(group.reason).toMatchObject({ message: 'first' })
  })
  expect(order).toEqual(['spawned, cancelled: true'])
})

onBoth('the signal of one scope can be passed to another', async () => {
  await cancelScope(async (one) => {
    const other = cancelScope(() => sleep(Infinity), { signal: one.signal, shield: true })
    const settled = expect(other).rejects.toMatchObject({ message: 'stop' })
    await checkpoint()
    one.cancel('stop')
    await settled
  })
})
