/** cancelling tasks that sleep, from the call of cancel to the end of the last of them. */
import { checkpoint, sleep, taskGroup } from '@ipfs-kit/concurrency'
import { Effect, Fiber } from 'effect'
import { setMaxListeners } from 'node:events'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { compare, type Comparison, type Options } from './rounds.ts'

export const cancelIds = ['A-2.timers', 'A-2.effect']

/** Milliseconds that each task would sleep. */
const longMs = 60_000

export async function measureCancel(options: Options) {
  return await compare(comparison(options.quick ? 1000 : 10_000), options)
}

function comparison(tasks: number): Comparison {
  return {
    measure: `cancelling ${tasks} sleeping tasks until all have ended, speed`,
    rounds: 15,
    warmup: 5,
    detail: { tasks },
    ours: () => cancelGroup(tasks),
    peers: [
      {
        id: 'A-2.timers',
        name: 'timers',
        how: 'setTimeout of node:timers/promises with one shared signal',
        bar: '>= 15',
        run: () => abortTimers(tasks),
      },
      {
        id: 'A-2.effect',
        name: 'effect',
        how: "interrupting the parent of effect's fibers",
        bar: '>= 5',
        run: () => interruptFibers(tasks),
      },
    ],
  }
}

async function cancelGroup(tasks: number): Promise<number> {
  let began = 0
  await taskGroup(async (group) => {
    for (let at = 0; at < tasks; at++) group.spawn(() => sleep(longMs))
    await checkpoint()
    began = performance.now()
    group.cancel()
  })
  return performance.now() - began
}

async function abortTimers(tasks: number): Promise<number> {
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
}

function interruptFibers(tasks: number): Promise<number> {
  return Effect.runPromise(
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
  )
}

/** Lets the event loop turn until so many timers are set: then all of them sleep. */
async function untilTimersSet(tasks: number): Promise<void> {
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  while (timers() < tasks) await setImmediate()
}
