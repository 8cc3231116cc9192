/** the simulator: whether it repeats itself, how fast it is, and what it finds. */
import {
  channel,
  createSemaphore,
  random,
  sim,
  sleep,
  taskGroup,
  withBackend,
  type SimBackend,
} from '@ipfs-kit/concurrency'
import { simulate } from '@ipfs-kit/concurrency/testing'
import { createClock } from '@sinonjs/fake-timers'
import { plantedRaces } from '../../test/planted-races.ts'
import { compareBackends } from './backends.ts'
import { compare, timed, type Options } from './rounds.ts'

export const simulatorIds = ['A-5.same', 'A-5.speed', 'A-5.races']

export async function measureSimulator(options: Options) {
  const { only } = options
  const wanted = (id: string) => only === undefined || only.has(id)
  const results = []
  if (wanted('A-5.same')) results.push(await measureSame())
  if (wanted('A-5.speed')) results.push(await measureSpeed(options))
  if (wanted('A-5.races')) results.push(await measureRaces(options))
  return results
}

/** Producers and consumers who share a channel and a semaphore, and sleep for random times. */
async function busy(): Promise<void> {
  await taskGroup((group) => {
    const [send, receive] = channel<number>(3)
    const semaphore = createSemaphore(2)
    for (let producer = 0; producer < 4; producer++) {
      const end = send.clone()
      group.spawn(async () => {
        using _closing = end
        for (let value = 0; value < 10; value++) {
          await sleep(random() * 10)
          await end.send(value)
        }
      })
    }
    send.close()
    for (let consumer = 0; consumer < 3; consumer++) {
      group.spawn(async () => {
        for await (const value of receive) {
          using _permit = await semaphore.acquire()
          await sleep(random() * value)
        }
      })
    }
  })
}

async function traceOf(seed: number): Promise<string> {
  const lines: string[] = []
  const backend: SimBackend = sim(seed, { trace: (line) => lines.push(line) })
  await withBackend(busy, { backend })
  return lines.join('\n')
}

async function measureSame() {
  const runs = 100
  const first = await traceOf(1)
  let same = 0
  const others = new Set<string>()
  for (let run = 0; run < runs; run++) {
    if ((await traceOf(1)) === first) same += 1
    others.add(await traceOf(2 + run))
  }
  return {
    id: 'A-5.same',
    measure: `simulated runs of ${runs} with one seed whose trace is the same, byte for byte`,
    value: same,
    unit: 'runs',
    bar: `== ${runs}`,
    detail: { runs, linesOfTrace: first.split('\n').length, tracesOfAsManyOtherSeeds: others.size },
  }
}

/** How long the sleeps are, in milliseconds of virtual time. */
const sleepMs = (task: number, turn: number) => 1 + ((task * 7 + turn * 13) % 100)

async function measureSpeed(options: Options) {
  const size = { tasks: options.quick ? 200 : 2000, sleeps: 10 }
  let seed = 0
  const bySim = () =>
    timed(() =>
      withBackend(
        () =>
          taskGroup((group) => {
            for (let task = 0; task < size.tasks; task++) {
              group.spawn(async () => {
                for (let turn = 0; turn < size.sleeps; turn++) await sleep(sleepMs(task, turn))
              })
            }
          }),
        { backend: sim((seed += 1)) },
      ),
    )
  const byFakeTimers = () =>
    timed(async () => {
      // The second argument is how many timers may fire; it takes 1,000 for an endless loop unless it is told otherwise.
      const clock = createClock(0, size.tasks * size.sleeps + 1)
      const sleepOnClock = (ms: number) =>
        new Promise<void>((resolve) => void clock.setTimeout(() => resolve(), ms))
      const tasks = Array.from({ length: size.tasks }, async (_, task) => {
        for (let turn = 0; turn < size.sleeps; turn++) await sleepOnClock(sleepMs(task, turn))
      })
      await clock.runAllAsync()
      await Promise.all(tasks)
    })
  const [result] = await compare(
    {
      measure: `${size.tasks} tasks of ${size.sleeps} sleeps in virtual time, rate`,
      rounds: 7,
      warmup: 3,
      detail: size,
      ours: bySim,
      peers: [
        {
          id: 'A-5.speed',
          name: 'fake-timers',
          how: 'runAllAsync of @sinonjs/fake-timers',
          bar: '>= 3',
          run: byFakeTimers,
        },
      ],
    },
    options,
  )
  return { ...result!, detail: { ...result!.detail, backends: await compareBackends(options) } }
}

async function measureRaces({ log }: Options) {
  const seeds = 200
  const races = await plantedRaces()
  const found: Record<string, number> = {}
  for (const { name, wrong, right } of races) {
    const { failed } = await simulate(wrong, { seeds })
    const falseAlarms = (await simulate(right, { seeds })).failed.length
    if (falseAlarms > 0) throw new Error(`"${name}" fails without its mistake: it proves nothing`)
    found[name] = failed.length
    log(`A-5.races: ${name} is found by ${failed.length} of ${seeds} seeds`)
  }
  const share = Object.values(found).filter((seedsThatFail) => seedsThatFail > 0).length / races.length
  return {
    id: 'A-5.races',
    measure: `share of ${races.length} planted races that are found by ${seeds} seeds`,
    value: share,
    unit: 'share',
    bar: '== 1',
    detail: { seeds, seedsThatFind: found },
  }
}
