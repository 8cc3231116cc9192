/** what a group keeps of the tasks that went through it. Measured in a process of its own. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { median, round3, type Options } from './rounds.ts'

export const heapIds = ['A-6.heap']

/** What the process prints. */
export interface HeapReport {
  /** Bytes of heap in use after the first tasks, and after all of them with the group still open. */
  readonly before: number
  readonly after: number
  /** Listeners on the foreign signal while the group was open and after it had ended. */
  readonly listenersInside: number
  readonly listeners: number
}

export async function measureHeap({ quick, only, log }: Options) {
  if (only !== undefined && !only.has('A-6.heap')) return []
  const tasks = quick ? 100_000 : 1_000_000
  const samples: number[] = []
  let inside = 0
  for (let round = 0; round < (quick ? 1 : 7); round++) {
    const { before, after, listenersInside, listeners } = await runChild(tasks)
    if (listeners !== 0) throw new Error(`${listeners} listeners are left on the foreign signal`)
    inside = listenersInside
    samples.push((after - before) / 2 ** 20)
    log(`A-6.heap, round ${round + 1}: ${samples[round]!.toFixed(2)} MiB`)
  }
  return [
    {
      id: 'A-6.heap',
      measure: `heap that grew while ${tasks} tasks went through one group`,
      value: round3(median(samples)),
      unit: 'MiB',
      bar: '< 5',
      samples: samples.map(round3),
      detail: { tasks, listeners: 0, listenersWhileOpen: inside },
    },
  ]
}

async function runChild(tasks: number): Promise<HeapReport> {
  const child = fileURLToPath(new URL('heap-child.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--conditions=@ipfs-kit/source',
    '--expose-gc',
    child,
    String(tasks),
  ])
  return JSON.parse(stdout) as HeapReport
}
