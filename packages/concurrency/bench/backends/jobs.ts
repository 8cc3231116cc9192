/** Programs that run on both backends. */
import {
  channel,
  checkpoint,
  createSemaphore,
  nativeBackend,
  sim,
  taskGroup,
  withBackend,
} from '@ipfs-kit/concurrency'

/** One program. It does its operation so many times. */
export interface Job {
  readonly id: string
  readonly what: string
  readonly operations: number
  program(operations: number): Promise<unknown>
}

/** Runs a program on a backend. */
export function run(backend: 'native' | 'sim', program: () => Promise<unknown>): Promise<unknown> {
  return withBackend(program, { backend: backend === 'native' ? nativeBackend : sim(1) })
}

export const jobs: readonly Job[] = [
  {
    id: 'spawn',
    what: 'tasks spawned and joined',
    operations: 10_000,
    program: (operations) =>
      taskGroup((group) => {
        for (let task = 0; task < operations; task++) group.spawn(async () => task)
      }),
  },
  {
    id: 'checkpoint',
    what: 'checkpoints of 100 tasks',
    operations: 20_000,
    program: (operations) =>
      eachOf(100, async () => {
        for (let at = 0; at < operations / 100; at++) await checkpoint()
      }),
  },
  {
    id: 'channel',
    what: 'values through a channel of capacity 100',
    operations: 20_000,
    program: (operations) =>
      taskGroup(async (group) => {
        const [sender, receiver] = channel<number>(100)
        group.spawn(async () => {
          for (let value = 0; value < operations; value++) await sender.send(value)
          sender.close()
        })
        let sum = 0
        for await (const value of receiver) sum += value
        return sum
      }),
  },
  {
    id: 'semaphore',
    what: 'permits taken in turns by 100 tasks, 4 at once',
    operations: 20_000,
    program: (operations) => {
      const semaphore = createSemaphore(4)
      return eachOf(100, async () => {
        for (let at = 0; at < operations / 100; at++) {
          const permit = await semaphore.acquire()
          permit.release()
        }
      })
    },
  },
]

function eachOf(tasks: number, work: () => Promise<void>): Promise<unknown> {
  return taskGroup((group) => {
    for (let task = 0; task < tasks; task++) group.spawn(work)
  })
}
