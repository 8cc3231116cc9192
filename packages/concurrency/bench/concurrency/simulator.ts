/** the simulator: the same run for the same seed, its speed beside @sinonjs/fake-timers, and the races it finds. */
import { sim, sleep, taskGroup, withBackend } from '@ipfs-kit/concurrency'
import { simulate } from '@ipfs-kit/concurrency/testing'
import { createClock } from '@sinonjs/fake-timers'
import { plantedRaces } from '../../test/planted-races.ts'
import { interleave, medians, ratioResult, ratios, timed, type Contender, type Options } from './rounds.ts'

export const simulatorIds = ['A-5.same', 'A-5.speed', 'A-5.races']

export async function measureSimulator({ quick, only, log }: Options) {
  const wanted = (id: string) => only === undefined || only.has(id)
  const results = []
  if (wanted('A-5.same')) results.push(await measureSame(log))
  if (wanted('A-5.speed')) {
    const size = { tasks: quick ? 200 : 2000, sleeps: 10 }
    const times = await interleave(sleepers(size), {
      rounds: quick ? 3 : 9,
      warmup: quick ? 1 : 3,
      what: 'A-5.speed',
      log,
    })
    results.push(
      ratioResult(
        'A-5.speed',
        `${size.tasks} tasks sleep ${size.sleeps} times each in virtual time, rate against runAllAsync of fake-timers`,
        '>= 3',
        ratios(times, 'fake-timers'),
        { ...size, ms: medians(times) },
      ),
    )
  }
  if (wanted('A-5.races')) results.push(await measureRaces(quick, log))
  return results
}

/** Runs of which the trace is compared, whatever the counts of the other measures. */
const runs = 100

async function measureSame(log: Options['log']) {
  const scenario = (await plantedRaces())[0]!.right
  const traceOf = async (seed: number): Promise<string> => {
    const lines: string[] = []
    await withBackend(scenario, { backend: sim(seed, { trace: (line) => lines.push(line) }) })
    return lines.join('\n')
  }
  const first = await traceOf(7)
  let same = 0
  for (let run = 0; run < runs; run++) if ((await traceOf(7)) === first) same += 1
  const others = new Set<string>()
  for (let seed = 0; seed < runs; seed++) others.add(await traceOf(seed))
  log(`A-5.same: ${same} of ${runs} traces are that of the first run; ${runs} seeds give ${others.size} traces`)
  return {
    id: 'A-5.same',
    measure: `of ${runs} runs with one seed, those with a trace that is byte for byte the first`,
    value: same,
    unit: 'runs',
    bar: '== 100',
    samples: [same],
    detail: { traceBytes: first.length, tracesOfOtherSeeds: others.size },
  }
}

function sleepers({ tasks, sleeps }: { tasks: number; sleeps: number }): Contender[] {
  return [
    {
      name: 'ours',
      run: () =>
        timed(() =>
          withBackend(
            () =>
              taskGroup((group) => {
                for (let task = 0; task < tasks; task++) {
                  group.spawn(async () => {
                    for (let at = 0; at < sleeps; at++) await sleep(1000)
                  })
                }
              }),
            { backend: sim(1) },
          ),
        ),
    },
    {
      name: 'fake-timers',
      run: () =>
        timed(async () => {
          const clock = createClock(0, tasks * sleeps * 2)
          const pause = (ms: number) => new Promise<void>((resolve) => void clock.setTimeout(() => resolve(), ms))
          const work = async () => {
            for (let at = 0; at < sleeps; at++) await pause(1000)
          }
          const all = Promise.all(Array.from({ length: tasks }, work))
          await clock.runAllAsync()
          await all
        }),
    },
  ]
}

async function measureRaces(quick: boolean, log: Options['log']) {
  const seeds = quick ? 50 : 200
  const races = await plantedRaces()
  const found: Record<string, number> = {}
  let hits = 0
  for (const { name, wrong } of races) {
    const { failed } = await simulate(wrong, { seeds, mode: 'uniform', maxFailures: seeds })
    found[name] = failed.length
    if (failed.length > 0) hits += 1
    log(`A-5.races: "${name}" fails under ${failed.length} of ${seeds} seeds`)
  }
  return {
    id: 'A-5.races',
    measure: `share of ${races.length} planted races that ${seeds} seeds find`,
    value: hits / races.length,
    unit: 'share',
    bar: '== 1',
    samples: [hits / races.length],
    detail: { races: races.length, seeds, failingSeeds: found },
  }
}
