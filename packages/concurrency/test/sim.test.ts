import {
  channel,
  checkpoint,
  createOwner,
  createSemaphore,
  now,
  random,
  shield,
  sim,
  sleep,
  taskGroup,
  withBackend,
  type SimOptions,
} from '@ipfs-kit/concurrency'
import { describe, expect, test } from 'vitest'

/** A little of everything: tasks, a channel, a semaphore, sleeps of random length. */
async function busy(): Promise<string> {
  const semaphore = createSemaphore(2)
  const [send, receive] = channel<number>(1)
  const log: unknown[] = []
  await taskGroup((group) => {
    for (let worker = 0; worker < 4; worker++) {
      const end = send.clone()
      group.spawn(
        async () => {
          using _permit = await semaphore.acquire()
          await sleep(random() * 10)
          await end.send(worker)
          end.close()
        },
        { name: `worker ${worker}` },
      )
    }
    send.close()
    group.spawn(async function reader() {
      for await (const value of receive) log.push(value, now())
    })
  })
  return log.join()
}

async function traced(seed: number, options?: SimOptions): Promise<string> {
  const lines: string[] = []
  await withBackend(busy, { backend: sim(seed, { ...options, trace: (line) => lines.push(line) }) })
  return lines.join('\n')
}

describe('order', () => {
  for (const mode of ['uniform', 'pct'] as const) {
    test(`the same seed gives the same trace a hundred times (${mode})`, async () => {
      const traces = new Set<string>()
      for (let run = 0; run < 100; run++) traces.add(await traced(7, { mode }))
      expect(traces.size).toBe(1)
      expect([...traces][0]).toMatch(/^1 0 sim#0 begin\n2 0 /)
    })

    test(`other seeds give other traces (${mode})`, async () => {
      const traces = new Set<string>()
      for (let seed = 0; seed < 100; seed++) traces.add(await traced(seed, { mode }))
      expect(traces.size).toBeGreaterThan(95)
    })
  }

  test('the two modes choose differently', async () => {
    expect(await traced(3, { mode: 'pct' })).not.toBe(await traced(3))
  })

  test('a seed counts in full, above 32 bits too', async () => {
    expect(await traced(2 ** 32 + 1)).not.toBe(await traced(1))
    expect(await traced(Number.MAX_SAFE_INTEGER)).not.toBe(await traced(2 ** 52))
  })

  test('each of four tasks can come first, and last', async () => {
    const orders = new Set<string>()
    for (let seed = 0; seed < 300; seed++) {
      const order: number[] = []
      const race = async () =>
        await taskGroup((group) => {
          for (let at = 0; at < 4; at++) group.spawn(async () => void order.push(at))
        })
      await withBackend(race, { backend: sim(seed) })
      orders.add(order.join(''))
    }
    expect(orders.size).toBe(24)
  })

  test('pct runs one task alone as far as it goes, but for a few changes', async () => {
    const switches = async (options: SimOptions) => {
      const order: number[] = []
      const run = async () =>
        await taskGroup((group) => {
          for (const task of [0, 1]) {
            group.spawn(async () => {
              for (let at = 0; at < 50; at++) {
                order.push(task)
                await checkpoint()
              }
            })
          }
        })
      await withBackend(run, { backend: sim(5, options) })
      return order.filter((task, at) => at > 0 && task !== order[at - 1]).length
    }
    expect(await switches({ mode: 'pct', depth: 1 })).toBe(1)
    expect(await switches({ mode: 'pct', depth: 4, length: 100 })).toBeLessThanOrEqual(4)
    expect(await switches({ mode: 'uniform' })).toBeGreaterThan(20)
  })

  test('pct lets a task that looks again and again make room for what it looks for', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const run = async () => {
        let done = false
        await taskGroup((group) => {
          for (let at = 0; at < 3; at++) {
            group.spawn(async () => {
              while (!done) await checkpoint()
            })
          }
          group.spawn(async () => {
            for (let at = 0; at < 5; at++) await checkpoint()
            done = true
          })
        })
      }
      await withBackend(run, { backend: sim(seed, { mode: 'pct', maxSteps: 20_000 }) })
    }
  })

  test('random() is of the seed, and other than the order', async () => {
    const draw = async (seed: number) =>
      await withBackend(() => [random(), random(), random()], { backend: sim(seed) })
    expect(await draw(1)).toEqual(await draw(1))
    expect(await draw(1)).not.toEqual(await draw(2))
    for (const value of await draw(3)) {
      expect(value).toBeGreaterThanOrEqual(0)
      expect(value).toBeLessThan(1)
    }
  })
})

describe('time', () => {
  test('begins at 0 and jumps when nothing can go on', async () => {
    const begin = performance.now()
    const times = await withBackend(
      async () => {
        const seen = [now()]
        await sleep(1000)
        seen.push(now())
        await sleep(365 * 86_400_000)
        seen.push(now())
        return seen
      },
      { backend: sim(1) },
    )
    expect(times).toEqual([0, 1000, 1000 + 365 * 86_400_000])
    expect(performance.now() - begin).toBeLessThan(5000)
  })

  test('does not pass while anything can go on', async () => {
    await withBackend(
      async () => {
        for (let at = 0; at < 100; at++) await checkpoint()
        expect(now()).toBe(0)
      },
      { backend: sim(1) },
    )
  })

  test('sleeps that end at the same time end in any order', async () => {
    const orders = new Set<string>()
    for (let seed = 0; seed < 50; seed++) {
      const order: number[] = []
      const race = async () =>
        await taskGroup((group) => {
          for (const at of [0, 1]) {
            group.spawn(async () => {
              await sleep(10)
              order.push(at)
            })
          }
        })
      await withBackend(race, { backend: sim(seed) })
      orders.add(order.join(''))
    }
    expect(orders.size).toBe(2)
  })
})

describe('a run fails', () => {
  const failure = async (fn: () => unknown, options?: SimOptions): Promise<Error & { code?: string }> =>
    await withBackend(fn, { backend: sim(1, options) }).then(
      () => {
        throw new Error('the run did not fail')
      },
      (error: Error) => error,
    )

  test('when every task waits and no timer is left, with the task tree', async () => {
    const error = await failure(async () => {
      const semaphore = createSemaphore(1, { name: 'only one' })
      await taskGroup(
        async (group) => {
          await semaphore.acquire()
          group.spawn(
            async () => {
              await semaphore.acquire()
            },
            { name: 'second' },
          )
        },
        { name: 'pair' },
      )
    })
    expect(error.code).toBe('CONCURRENCY_SIM_DEADLOCK')
    expect(error.message).toBe(
      [
        'every task waits and no timer is left',
        'root "sim"',
        '  scope "main"',
        '    group "pair"',
        '      task "second" (waits: semaphore "only one")',
      ].join('\n'),
    )
  })

  test('when it deadlocks although it is cancelled', async () => {
    const error = await failure(async () => await shield(async () => await sleep(Infinity)))
    expect(error.code).toBe('CONCURRENCY_SIM_DEADLOCK')
    expect(error.message).toContain('shielded; waits: sleep')
  })

  test('after maxSteps, also if it never stops', async () => {
    const polite = await failure(
      async () => {
        for (;;) await checkpoint()
      },
      { maxSteps: 500 },
    )
    expect(polite.code).toBe('CONCURRENCY_SIM_STEPS')
    expect(polite.message).toContain('more than 500 steps')
    let stubborn = 0
    const deaf = await failure(
      async () => {
        for (;;) {
          await checkpoint().catch(() => (stubborn += 1))
        }
      },
      { maxSteps: 500 },
    )
    expect(deaf.code).toBe('CONCURRENCY_SIM_STEPS')
    const after = stubborn
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(stubborn).toBe(after)
  })

  test('when it ends while a task is alive', async () => {
    const error = await failure(() => {
      const owner = createOwner({ name: 'forgotten' })
      owner.spawn(async () => await sleep(Infinity), { name: 'server' })
    })
    expect(error.code).toBe('CONCURRENCY_SIM_LEAK')
    expect(error.message).toContain('owner "forgotten"\n    task "server" (waits: sleep)')
  })

  test('with both, if its main function failed as well', async () => {
    const own = new Error('own')
    const error = await failure(async () => {
      try {
        await sleep(Infinity)
      } finally {
        // oxlint-disable-next-line no-unsafe-finally -- what replaces the cancellation is what this is about
        throw own
      }
    })
    expect(error).toMatchObject({ code: 'CONCURRENCY_SIM_DEADLOCK', cause: own })
    expect(error.message).toMatch(/^every task waits[^]*\nits main function failed with: own$/)
  })

  test('with the very error that it threw', async () => {
    const thrown = new Error('own')
    expect(
      await failure(() => {
        throw thrown
      }),
    ).toBe(thrown)
  })
})

test('console does not fail a run', async () => {
  await withBackend(
    async () => {
      console.log('said in a simulated run')
      await sleep(1)
      console.error('and once more')
    },
    { backend: sim(1) },
  )
})

test('promises, microtasks and ticks of the host are no foreign work', async () => {
  await withBackend(
    async () => {
      await Promise.all([Promise.resolve(1), new Promise((resolve) => queueMicrotask(() => resolve(2)))])
      await new Promise<void>((resolve) => process.nextTick(resolve))
      await sleep(1)
    },
    { backend: sim(1) },
  )
})

test('what a run is made of is checked', () => {
  expect(() => sim(-1)).toThrow(RangeError)
  expect(() => sim(1.5)).toThrow(RangeError)
  expect(() => sim(Number.NaN)).toThrow(RangeError)
  expect(() => sim('1' as never)).toThrow(TypeError)
  expect(() => sim(1, { mode: 'random' as never })).toThrow('not uniform or pct')
  expect(() => sim(1, { depth: 0 })).toThrow(RangeError)
  expect(() => sim(1, { maxSteps: 0 })).toThrow(RangeError)
  expect(() => sim(1, { maxstep: 3 } as never)).toThrow('did you mean "maxSteps"')
})
