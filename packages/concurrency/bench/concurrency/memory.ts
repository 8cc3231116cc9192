/** the heap that many tasks through one group leave behind, while the group is open. */
import { getEventListeners } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { taskGroup } from '@ipfs-kit/concurrency'
import { median, round3, type Options } from './rounds.ts'

export const memoryIds = ['A-6.heap']

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

export async function measureMemory({ quick, only, log }: Options) {
  if (only !== undefined && !only.has('A-6.heap')) return []
  const size = { tasks: quick ? 100_000 : 1_000_000, batch: 1000 }
  const samples: number[] = []
  let listeners = 0
  for (let round = 0; round < (quick ? 3 : 7); round++) {
    const one = await grow(size)
    samples.push(round3(one.grownMiB))
    listeners = Math.max(listeners, one.listeners)
    log(`A-6.heap, round ${round + 1}: ${one.grownMiB.toFixed(2)} MiB, ${one.listeners} listeners left`)
  }
  return [
    {
      id: 'A-6.heap',
      measure: `heap grown by ${size.tasks} tasks through one group that is still open, after a collection`,
      // A listener that stays is a leak whatever the heap says.
      value: listeners === 0 ? round3(median(samples)) : null,
      ...(listeners === 0 ? {} : { why: `${listeners} listeners are left on the foreign signal` }),
      unit: 'MiB',
      bar: '< 5',
      samples,
      detail: { ...size, listenersLeft: listeners },
    },
  ]
}

async function grow({ tasks, batch }: { tasks: number; batch: number }) {
  const { signal } = new AbortController()
  let grownMiB = 0
  const body = async (): Promise<void> => {
    await taskGroup(
      async (group) => {
        collect()
        const before = process.memoryUsage().heapUsed
        for (let done = 0; done < tasks; done += batch) {
          const handles = Array.from({ length: batch }, (_, at) => group.spawn(async () => at))
          await handles.at(-1)
        }
        collect()
        grownMiB = (process.memoryUsage().heapUsed - before) / 2 ** 20
      },
      { signal },
    )
  }
  await body()
  return { grownMiB, listeners: getEventListeners(signal, 'abort').length }
}
