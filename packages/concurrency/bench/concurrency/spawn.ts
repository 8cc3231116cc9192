/** spawning and joining tasks that return at once. */
import { taskGroup } from '@ipfs-kit/concurrency'
import { Effect, Fiber } from 'effect'
import { run, spawn, type Task } from 'effection'
import pLimit from 'p-limit'
import { interleave, medians, ratioResult, ratios, timed, type Contender, type Options } from './rounds.ts'

const peers = [
  { name: 'effect', bar: '>= 3', how: "effect's forkChild and Fiber.joinAll" },
  { name: 'p-limit', bar: '>= 2', how: 'p-limit, a limit as large as the number of tasks' },
  { name: 'effection', bar: '>= 40', how: "effection's spawn and yield*" },
  { name: 'promise-all', bar: '>= 0.08', how: 'Promise.all of async functions' },
]

export const spawnIds = peers.map(({ name }) => `A-1.${name}`)

export async function measureSpawn({ quick, only, log }: Options) {
  const tasks = quick ? 1000 : 10_000
  const wanted = peers.filter(({ name }) => only === undefined || only.has(`A-1.${name}`))
  if (wanted.length === 0) return []
  const all = contenders(tasks).filter(
    ({ name }) => name === 'ours' || wanted.some((peer) => peer.name === name),
  )
  const times = await interleave(all, { rounds: quick ? 3 : 9, warmup: quick ? 1 : 3, what: 'A-1', log })
  return wanted.map(({ name, bar, how }) =>
    ratioResult(
      `A-1.${name}`,
      `spawning and joining ${tasks} trivial tasks in a task group, rate against ${how}`,
      bar,
      ratios(times, name),
      { tasks, ms: medians(times) },
    ),
  )
}

async function trivial(): Promise<void> {}

function contenders(tasks: number): Contender[] {
  return [
    {
      name: 'ours',
      run: () =>
        timed(() =>
          taskGroup((group) => {
            for (let at = 0; at < tasks; at++) group.spawn(trivial)
          }),
        ),
    },
    {
      name: 'effect',
      run: () =>
        timed(() =>
          Effect.runPromise(
            Effect.gen(function* () {
              const fibers: Fiber.Fiber<void>[] = []
              for (let at = 0; at < tasks; at++) fibers.push(yield* Effect.forkChild(Effect.void))
              yield* Fiber.joinAll(fibers)
            }),
          ),
        ),
    },
    {
      name: 'p-limit',
      run: () =>
        timed(() => {
          const limit = pLimit(tasks)
          return Promise.all(Array.from({ length: tasks }, () => limit(trivial)))
        }),
    },
    {
      name: 'effection',
      run: () =>
        timed(() =>
          run(function* () {
            const children: Task<void>[] = []
            for (let at = 0; at < tasks; at++) children.push(yield* spawn(nothing))
            for (const child of children) yield* child
          }),
        ),
    },
    {
      name: 'promise-all',
      run: () => timed(() => Promise.all(Array.from({ length: tasks }, trivial))),
    },
  ]
}

// oxlint-disable-next-line require-yield -- the shape of an operation of effection
function* nothing() {}
