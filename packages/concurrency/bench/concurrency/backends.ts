/** The same programs on both backends. */
import {
  channel,
  createSemaphore,
  nativeBackend,
  sim,
  sleep,
  taskGroup,
  withBackend,
  type Backend,
} from '@ipfs-kit/concurrency'
import { interleave, median, timed, type Options } from './rounds.ts'

/** One program, and how often in a second both backends do what it consists of. */
export interface BackendSpeed {
  readonly program: string
  /** What is counted. */
  readonly unit: string
  readonly native: number
  readonly sim: number
}

interface Program {
  readonly name: string
  readonly unit: string
  readonly count: number
  run(): Promise<unknown>
}

/** Measures all programs on both backends in turn. */
export async function compareBackends({
  quick,
  log,
}: Pick<Options, 'quick' | 'log'>): Promise<BackendSpeed[]> {
  const speeds: BackendSpeed[] = []
  for (const program of programs(quick ? 0.1 : 1)) {
    const { name, unit, count } = program
    const on = (backend: () => Backend) => () =>
      timed(() => withBackend(() => program.run(), { backend: backend() }))
    let seed = 0
    const times = await interleave(
      { native: on(() => nativeBackend), sim: on(() => sim((seed += 1))) },
      { rounds: quick ? 3 : 7, warmup: 1, what: name, log },
    )
    const perSecond = (backend: string) => Math.round((count * 1000) / median(times[backend]!))
    speeds.push({ program: name, unit, native: perSecond('native'), sim: perSecond('sim') })
  }
  return speeds
}

function programs(scale: number): Program[] {
  const tasks = 10_000 * scale
  const sleeps = { tasks: 2000 * scale, each: 10 }
  const values = 20_000 * scale
  const turns = { workers: 100, each: 200 * scale }
  return [
    {
      name: `spawning and joining ${tasks} tasks`,
      unit: 'tasks',
      count: tasks,
      run: () =>
        taskGroup((group) => {
          for (let task = 0; task < tasks; task++) group.spawn(async () => {})
        }),
    },
    {
      name: `${sleeps.tasks} tasks that sleep ${sleeps.each} times for 1 ms`,
      unit: 'sleeps',
      count: sleeps.tasks * sleeps.each,
      run: () =>
        taskGroup((group) => {
          for (let task = 0; task < sleeps.tasks; task++) {
            group.spawn(async () => {
              for (let turn = 0; turn < sleeps.each; turn++) await sleep(1)
            })
          }
        }),
    },
    {
      name: `${values} values through a channel of capacity 100`,
      unit: 'values',
      count: values,
      run: () =>
        taskGroup(async (group) => {
          const [send, receive] = channel<number>(100)
          group.spawn(async () => {
            for (let value = 0; value < values; value++) await send.send(value)
            send.close()
          })
          let received = 0
          for await (const _ of receive) received += 1
          return received
        }),
    },
    {
      name: `${turns.workers} workers that take ${turns.each} turns each at 4 permits of a semaphore`,
      unit: 'turns',
      count: turns.workers * turns.each,
      run: () =>
        taskGroup((group) => {
          const semaphore = createSemaphore(4)
          for (let worker = 0; worker < turns.workers; worker++) {
            group.spawn(async () => {
              for (let turn = 0; turn < turns.each; turn++) {
                const permit = await semaphore.acquire()
                permit.release()
              }
            })
          }
        }),
    },
  ]
}
