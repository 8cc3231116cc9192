/** cancelling tasks that sleep, from the call of cancel to the end of the last of them. */
import { checkpoint, sleep, taskGroup } from '@ipfs-kit/concurrency'
import { Effect, Fiber } from 'effect'
import { setMaxListeners } from 'node:events'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { interleave, medians, ratioResult, ratios, type Contender, type Options } from './rounds.ts'

const peers = [
  { name: 'timers', bar: '>= 15', how: 'setTimeout of node:timers/promises with one shared signal' },
  { name: 'effect', bar: '>= 5', how: "interrupting the parent of effect's fibers" },
]

export const cancelIds = peers.map(({ name }) => `A-2.${name}`)

/** Milliseconds that each task would sleep. */
const longMs = 60_000

export async function measureCancel({ quick, only, log }: Options) {
  const tasks = quick ? 1000 : 10_000
  const wanted = peers.filter(({ name }) => only === undefined || only.has(`A-2.${name}`))
  if (wanted.length === 0) return []
  const all = contenders(tasks).filter(
    ({ name }) => name === 'ours' || wanted.some((peer) => peer.name === name),
  )
  const times = await interleave(all, { rounds: quick ? 3 : 15, warmup: quick ? 1 : 5, what: 'A-2', log })
  return wanted.map(({ name, bar, how }) =>
    ratioResult(
      `A-2.${name}`,
      `cancelling ${tasks} sleeping tasks until all have ended, speed against ${how}`,
      bar,
      ratios(times, name),
      { tasks, ms: medians(times) },
    ),
  )
}

/** Lets the event loop turn until so many timers are set. */
async function untilTimersSet(tasks: number): Promise<void> {
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  while (timers() < tasks) await setImmediate()
}

function contenders(tasks: number): Contender[] {
  return [
    {
      name: 'ours',
      async run() {
        let began = 0
        await taskGroup(async (group) => {
          for (let at = 0; at < tasks; at++) group.spawn(() => sleep(longMs))
          await checkpoint()
          began = performance.now()
          group.cancel()
        })
        return performance.now() - began
      },
    },
    {
      name: 'timers',
      async run() {
        const controller = new AbortController()
        const { signal } = controller
        setMaxListeners(0, signal)
        const sleepers = Array.from({ length: tasks }, () => setTimeout(longMs, undefined, { signal }))
        const ended = Promise.allSettled(sleepers)
        await untilTimersSet(tasks)
        const began = performance.now()
        controller.abort()
        await ended
        return performance.now() - began
      },
    },
    {
      name: 'effect',
      run: () =>
        Effect.runPromise(
          Effect.gen(function* () {
            const parent = yield* Effect.forkChild(
              Effect.gen(function* () {
                for (let at = 0; at < tasks; at++) yield* Effect.forkChild(Effect.sleep(longMs))
                return yield* Effect.never
              }),
            )
            yield* Effect.promise(() => untilTimersSet(tasks))
            const began = performance.now()
            yield* Fiber.interrupt(parent)
            return performance.now() - began
          }),
        ),
    },
  ]
}
