import {
  channel,
  checkpoint,
  createSemaphore,
  now,
  random,
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
