import {
  cancelScope,
  checkpoint,
  failAfter,
  moveOnAfter,
  shield,
  sleep,
  taskGroup,
  TimeoutError,
} from '@ipfs-kit/concurrency'
import { forEachBackend, sequencer } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test)

onBoth(
  'a shield in a cancelled scope can wait, and after it the cancellation is in force again',
  async () => {
    let finished = false
    await cancelScope(async (scope) => {
      scope.cancel()
      await shield(async (inner) => {
        expect(inner.cancelled).toBe(false)
        await sleep(1)
        await checkpoint()
        finished = true
      })
      expect(finished).toBe(true)
      await expect(checkpoint()).rejects.toBe(scope.reason)
    })
  },
)

onBoth('a cancellation during a shield waits for its end', async () => {
  const order: string[] = []
  await moveOnAfter(1, async () => {
    await shield(async () => {
      await sleep(3)
      order.push('shielded')
    })
    await checkpoint()
    order.push('not reached')
  })
  expect(order).toEqual(['shielded'])
})

onBoth('a deadline inside a shield holds', async () => {
  await cancelScope(async (scope) => {
    scope.cancel()
    const cut = await shield(() => failAfter(1, () => sleep(Infinity))).catch((error: unknown) => error)
    expect(cut).toBeInstanceOf(TimeoutError)
    expect(await shield(() => moveOnAfter(1, () => sleep(Infinity)))).toBeUndefined()
    await expect(shield(() => sleep(Infinity), { deadline: 0 })).rejects.toBeInstanceOf(TimeoutError)
  })
})

onBoth('a shield can be cancelled itself, and then rejects', async () => {
  const shielded = shield(
    async (scope) => {
      scope.cancel('by hand')
      await checkpoint()
    },
    { name: 'commit' },
  )
  await expect(shielded).rejects.toMatchObject({ name: 'AbortError', message: 'by hand', scope: 'commit' })
})

onBoth('scopes and groups inside a shield are out of reach too', async () => {
  let ended = 0
  await cancelScope(async (scope) => {
    scope.cancel()
    await shield(async () => {
      await taskGroup((group) => {
        for (let at = 0; at < 3; at++) {
          group.spawn(async () => {
            await cancelScope(() => sleep(1))
            ended += 1
          })
        }
      })
    })
  })
  expect(ended).toBe(3)
})

onBoth('a scope or group may be opened shielded', async () => {
  await cancelScope(async (outer) => {
    outer.cancel()
    expect(await cancelScope(async () => (await checkpoint(), 'whole'), { shield: true })).toBe('whole')
    await taskGroup(
      (group) => {
        group.spawn(() => checkpoint())
      },
      { shield: true },
    )
  })
})

onBoth('a shielded task of a cancelled group is waited for', async () => {
  const order: string[] = []
  const seq = sequencer()
  await taskGroup((group) => {
    group.spawn(async () => {
      await shield(async () => {
        await seq(0)
        await seq(2)
        order.push('shielded')
      })
      await checkpoint()
      order.push('not reached')
    })
    group.spawn(async () => {
      await seq(1)
      group.cancel()
      order.push('cancelled')
    })
  })
  expect(order).toEqual(['cancelled', 'shielded'])
})

onBoth('the signal of a shield stays quiet when the scope around it is cancelled', async () => {
  await cancelScope(async (outer) => {
    await shield((inner) => {
      const { signal } = inner
      outer.cancel()
      expect(outer.signal.aborted).toBe(true)
      expect(signal.aborted).toBe(false)
    })
  })
})
