import {
  cancelScope,
  checkpoint,
  createEvent,
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
  expect(report).toEqual({ runs: 8, cancellations: 4, during: 0 })
  expect(ended).toEqual([
    'second all',
    'nothing undefined',
    'first undefined',
    'second all',
    // Settled before the cancellation: such a wait goes on with its value, and the next one rejects.
    'first undefined',
    'second all',
    'second all',
    // Nobody else takes a step while it waits.
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

test('finds a request that is withdrawn in the middle of its wait, after its other side took it', async () => {
  const sweep = cancelAtEveryStep(async (victim) => {
    const written = createEvent()
    let state: 'asked' | 'withdrawn' | 'written' = 'asked'
    await taskGroup(async (group) => {
      group.spawn(async () => {
        // Time for more requests to come, then one write for all of them.
        await sleep(3)
        if (state === 'withdrawn') return
        await sleep(3)
        expect(state).toBe('asked')
        state = 'written'
        written.set()
      })
      await victim(async () => {
        try {
          await written.wait()
        } finally {
          // Too late once the write has begun.
          if (state === 'asked') state = 'withdrawn'
        }
      })
    })
  })
  // As the wait begins, and once it is settled, all is well: those moments were tried before.
  await expect(sweep).rejects.toMatchObject({
    code: 'CONCURRENCY_SIM_FAILED',
    message: expect.stringMatching(
      /^seed 1, cancelled after step \d+ that the victim waits through, event "event", during: /,
    ) as string,
  })
})

test('cancels each of several victims after each step that it waits through', async () => {
  const report = await cancelAtEveryStep(async (victim) => {
    await taskGroup((group) => {
      for (let at = 0; at < 2; at++) group.spawn(async () => await victim(async () => await sleep(10)))
      group.spawn(async () => {
        for (const ms of [1, 2]) await sleep(ms)
      })
    })
  })
  // Two sleeps of another task, with both victims waiting, and a few steps while all begin and end.
  expect(report.during).toBeGreaterThanOrEqual(4)
  expect(report.cancellations).toBe(report.during + 4)
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
  await expect(endless).rejects.toThrow('more than maxWaits (10) waits')
  const patient = cancelAtEveryStep(
    async (victim) => {
      await taskGroup(async (group) => {
        group.spawn(async () => {
          for (let at = 0; at < 20; at++) await checkpoint()
        })
        await victim(async () => await sleep(1))
      })
    },
    { maxWaits: 10 },
  )
  await expect(patient).rejects.toThrow('waits through more than maxWaits (10) steps')
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
