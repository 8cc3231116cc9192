/**
 * spawning and joining tasks that return at once. The task is the same everywhere: a call of an async function. An
 * effect that calls nothing costs less than one that does; how that compares is in the detail.
 */
import { taskGroup } from '@ipfs-kit/concurrency'
import { Effect, Fiber } from 'effect'
import { run, spawn, until, type Task } from 'effection'
import pLimit from 'p-limit'
import {
  compare,
  interleave,
  median,
  ratios,
  round3,
  timed,
  type Comparison,
  type Options,
  type Run,
} from './rounds.ts'

export const spawnIds = ['A-1.effect', 'A-1.p-limit', 'A-1.effection', 'A-1.promise-all']

export async function measureSpawn(options: Options) {
  const { quick, log } = options
  const tasks = quick ? 1000 : 10_000
  const results = await compare(comparison(tasks), options)
  return await Promise.all(
    results.map(async (result) => {
      if (result.id !== 'A-1.effect') return result
      const contenders = { ours: group(tasks), 'effect, void': forkAndJoin(tasks, Effect.void) }
      const times = await interleave(contenders, {
        rounds: quick ? 3 : 9,
        warmup: quick ? 1 : 5,
        what: 'A-1.effect, an effect that calls nothing',
        log,
      })
      const detail = {
        ...result.detail,
        ratioToEffectThatCallsNothing: round3(median(ratios(times, 'effect, void'))),
      }
      return { ...result, detail }
    }),
  )
}

async function trivial(): Promise<void> {}

function comparison(tasks: number): Comparison {
  return {
    measure: `spawning and joining ${tasks} trivial tasks in a task group, rate`,
    rounds: 15,
    warmup: 5,
    detail: { tasks },
    ours: group(tasks),
    peers: [
      {
        id: 'A-1.effect',
        name: 'effect',
        how: "effect's forkChild and Fiber.joinAll",
        bar: '>= 3',
        run: forkAndJoin(tasks, Effect.promise(trivial)),
      },
      {
        id: 'A-1.p-limit',
        name: 'p-limit',
        how: 'p-limit with a limit as large as the number of tasks',
        bar: '>= 2',
        run: () =>
          timed(() => {
            const limit = pLimit(tasks)
            return Promise.all(Array.from({ length: tasks }, () => limit(trivial)))
          }),
      },
      {
        id: 'A-1.effection',
        name: 'effection',
        how: "effection's spawn and yield*",
        bar: '>= 40',
        run: () =>
          timed(() =>
            run(function* () {
              const children: Task<void>[] = []
              for (let at = 0; at < tasks; at++) children.push(yield* spawn(() => until(trivial())))
              for (const child of children) yield* child
            }),
          ),
      },
      {
        id: 'A-1.promise-all',
        name: 'promise-all',
        how: 'Promise.all of the calls',
        bar: '>= 0.08',
        run: () => timed(() => Promise.all(Array.from({ length: tasks }, () => trivial()))),
      },
    ],
  }
}

function group(tasks: number): Run {
  return () =>
    timed(() =>
      taskGroup((group) => {
        for (let at = 0; at < tasks; at++) group.spawn(trivial)
      }),
    )
}

function forkAndJoin(tasks: number, effect: Effect.Effect<void>): Run {
  return () =>
    timed(() =>
      Effect.runPromise(
        Effect.gen(function* () {
          const fibers: Fiber.Fiber<void>[] = []
          for (let at = 0; at < tasks; at++) fibers.push(yield* Effect.forkChild(effect))
          yield* Fiber.joinAll(fibers)
        }),
      ),
    )
}
