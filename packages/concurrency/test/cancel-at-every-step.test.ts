import {
  cancelScope,
  checkpoint,
  createSemaphore,
  shield,
  sleep,
  suspend,
  taskGroup,
} from '@ipfs-kit/concurrency'
import { cancelAtEveryStep } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

test('cancels the victim at each of its waits, parked and settled', async () => {
  const ended: string[] = []
  const report = await cancelAtEveryStep(async (victim) => {
    let last = 'nothing'
    const outcome = await victim(async () => {
      await sleep(1)
      last = 'first'
      await sleep(1)
      last = 'second'
      return 'all'
    })
    ended.push(`${last} ${outcome}`)
  })
  expect(report).toEqual({ runs: 7, cancellations: 4 })
  expect(ended).toEqual([
    'second all',
    'nothing undefined',
    'first undefined',
    'second all',
    // Settled before the cancellation: such a wait goes on with its value, and the next one rejects.
    'first undefined',
    'second all',
    'second all',
  ])
})

test('finds a permit that is lost when a wait is cancelled in the handshake', async () => {
  const sweep = cancelAtEveryStep(async (victim) => {
    let free = 1
    const queue: (() => void)[] = []
    const acquire = async () => {
      if (free > 0) free -= 1
      else {
        await suspend<void>((resume) => {
          const go = () => resume.resolve()
          queue.push(go)
          return () => void queue.splice(queue.indexOf(go), 1)
        })
      }
    }
    const release = () => {
      const next = queue.shift()
      if (next === undefined) free += 1
      else next()
    }
    await acquire()
    await taskGroup(async (group) => {
      group.spawn(async () => {
        await victim(async () => {
          await acquire()
          // The permit is lost when this wait rejects: no finally.
          await checkpoint()
          release()
        })
      })
      await checkpoint()
      release()
    })
    expect(free).toBe(1)
  })
  await expect(sweep).rejects.toMatchObject({
    code: 'CONCURRENCY_SIM_FAILED',
    message: expect.stringMatching(
      /seed 1, cancelled at wait \d of the victim, .*: expected \+?0 to be 1/s,
    ) as string,
  })
})

test('the semaphore of this package passes the same scenario under many seeds', async () => {
  const report = await cancelAtEveryStep(
    async (victim) => {
      const semaphore = createSemaphore(1)
      await taskGroup(async (group) => {
        const permit = await semaphore.acquire()
        group.spawn(async () => {
          await victim(async () => {
            using _permit = await semaphore.acquire()
            await checkpoint()
          })
        })
        await checkpoint()
        permit.release()
      })
      expect(semaphore.stats()).toEqual({ permits: 1, available: 1, waiting: 0 })
    },
    { seeds: 50 },
  )
  expect(report.cancellations).toBeGreaterThan(100)
})

test('reaches tasks inside the victim, before they begin too', async () => {
  const began: number[] = []
  await cancelAtEveryStep(async (victim) => {
    let count = 0
    await victim(async () => {
      await taskGroup((group) => {
        for (const ms of [1, 2]) {
          group.spawn(async () => {
            count += 1
            await sleep(ms)
          })
        }
      })
    })
    began.push(count)
  })
  // A task that was spawned is called in any case.
  expect(new Set(began)).toEqual(new Set([2]))
})

test('waits behind a shield are counted and go on', async () => {
  const report = await cancelAtEveryStep(async (victim) => {
    let saved = false
    await victim(
      async () =>
        await shield(async () => {
          await sleep(1)
          saved = true
        }),
    )
    expect(saved).toBe(true)
  })
  expect(report.cancellations).toBe(2)
})

test('refuses a scenario whose victim has no wait, or too many', async () => {
  await expect(cancelAtEveryStep(async () => await checkpoint())).rejects.toThrow('has no wait')
  const endless = cancelAtEveryStep(
    async (victim) => {
      await victim(async () => {
        for (let at = 0; at < 20; at++) await checkpoint()
      })
    },
    { maxWaits: 10 },
  )
  await expect(endless).rejects.toThrow('more than maxWaits (10)')
})

test('fails with the run without a cancellation if that one fails', async () => {
  const sweep = cancelAtEveryStep(async (victim) => {
    await victim(async () => await checkpoint())
    throw new Error('wrong from the beginning')
  })
  await expect(sweep).rejects.toThrow('seed 1, without a cancellation: wrong from the beginning')
})

test('a victim may be cancelled from around it as well', async () => {
  await cancelAtEveryStep(async (victim) => {
    await cancelScope(async (outer) => {
      await victim(async () => {
        await sleep(1)
        outer.cancel()
        await sleep(1)
      })
    })
  })
})
