/** The simulator. */
import {
  ConcurrencyError,
  channel,
  checkpoint,
  createSemaphore,
  now,
  random,
  sim,
  sleep,
  taskGroup,
  withBackend,
  type Scope,
} from '@ipfs-kit/concurrency'
import { check, equal, failureOf, type Scenarios } from './checks.ts'

/** Four tasks that share a semaphore and a channel; the answer is the trace of one simulated run. */
async function traceOf(seed: number): Promise<string> {
  const lines: string[] = []
  const trace = (line: string) => void lines.push(line)
  const main = async (scope: Scope) => {
    const [send, receive] = channel<number>(1)
    const semaphore = createSemaphore(2)
    await taskGroup(
      (group) => {
        for (let at = 0; at < 4; at++) {
          group.spawn(async (task) => {
            using _permit = await semaphore.acquire({ scope: task })
            await sleep(random({ scope: task }) * 100, { scope: task })
            await send.send(at, { scope: task })
          })
        }
        group.spawn(async (task) => {
          for (let at = 0; at < 4; at++) lines.push(String(await receive.receive({ scope: task })))
        })
      },
      { scope },
    )
    lines.push(String(now({ scope })))
  }
  await withBackend(main, { backend: sim(seed, { trace }) })
  return lines.join('\n')
}

export const simulatorScenarios: Scenarios = {
  'the same seed gives the same run, other seeds give others': async () => {
    const first = await traceOf(1)
    for (let again = 0; again < 20; again++) equal(await traceOf(1), first, 'trace')
    const seeds = Array.from({ length: 100 }, (_, seed) => seed)
    const traces = new Set<string>()
    for (const seed of seeds) traces.add(await traceOf(seed))
    check(traces.size > 90, `${traces.size} of 100 are different`)
  },

  'a simulated day takes no time': async () => {
    const began = performance.now()
    const day = 24 * 3_600_000
    const main = async (scope: Scope) => {
      await sleep(day, { scope })
      return now({ scope })
    }
    equal(await withBackend(main, { backend: sim(1) }), day, 'virtual time')
    check(performance.now() - began < 10_000, 'real time')
  },

  'some seed finds a lost update, and a deadlock is told with the task tree': async () => {
    const lost = async (seed: number) => {
      let count = 0
      const add = async (task: Scope) => {
        const before = count
        await checkpoint({ scope: task })
        count = before + 1
      }
      const main = (scope: Scope) =>
        taskGroup(
          (group) => {
            group.spawn(async (task) => await add(task))
            group.spawn(async (task) => {
              await checkpoint({ scope: task })
              await add(task)
            })
          },
          { scope },
        )
      await withBackend(main, { backend: sim(seed) })
      return count < 2
    }
    let found = 0
    for (let seed = 0; seed < 100; seed++) if (await lost(seed)) found += 1
    check(found > 0 && found < 100, `${found} of 100 seeds lose an update`)

    const stuck = (scope: Scope) => channel<string>(0, { name: 'nobody' })[1].receive({ scope })
    const error = await failureOf(withBackend(stuck, { backend: sim(1) }))
    check(error instanceof ConcurrencyError && error.code === 'CONCURRENCY_SIM_DEADLOCK', 'a deadlock')
    check((error as Error).message.includes('waits: channel receive "nobody"'), 'the tree')
  },
}
