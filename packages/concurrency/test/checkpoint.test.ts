import {
  cancelScope,
  checkpoint,
  currentScope,
  sleep,
  taskGroup,
  throwIfCancelled,
} from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test)

onBoth('lets other tasks go on', async () => {
  let stop = false
  await taskGroup((group) => {
    group.spawn(async () => {
      while (!stop) await checkpoint()
    })
    group.spawn(async () => {
      await checkpoint()
      stop = true
    })
  })
  expect(stop).toBe(true)
})

test('lets timers and input of the host go on', async () => {
  let stop = false
  setTimeout(() => (stop = true), 2)
  while (!stop) await checkpoint()
  stop = false
  setImmediate(() => (stop = true))
  while (!stop) await sleep(0)
})

onBoth('rejects in a cancelled scope; throwIfCancelled throws without a wait', async () => {
  throwIfCancelled()
  await cancelScope(async (scope) => {
    throwIfCancelled()
    throwIfCancelled({ scope })
    scope.cancel()
    expect(() => throwIfCancelled()).toThrow(scope.reason as Error)
    expect(() => throwIfCancelled({ scope })).toThrow(scope.reason as Error)
    expect(() => throwIfCancelled({ scope: scope.parent })).not.toThrow()
    await expect(checkpoint()).rejects.toBe(scope.reason)
    await expect(sleep(0)).rejects.toBe(scope.reason)
  })
})

onBoth('a loop of checkpoints can be cancelled by a deadline', async () => {
  let rounds = 0
  await cancelScope(
    async () => {
      for (;;) {
        await (rounds % 2 === 0 ? checkpoint() : sleep(0.01))
        rounds += 1
      }
    },
    { deadline: 0 },
  )
  expect(rounds).toBe(0)
  await taskGroup((group) => {
    group.spawn(async () => {
      for (;;) {
        await checkpoint()
        rounds += 1
      }
    })
    group.spawn(async () => {
      await checkpoint()
      await checkpoint()
      group.cancel()
    })
  })
  expect(currentScope().cancelled).toBe(false)
})
