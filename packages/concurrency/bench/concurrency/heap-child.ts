/** The process of A-6: `heap-child.ts TASKS` prints a {@link HeapReport}. */
import { checkpoint, sleep, taskGroup, type TaskGroup } from '@ipfs-kit/concurrency'
import { getEventListeners } from 'node:events'
import type { HeapReport } from './heap.ts'

const batch = 1000
const tasks = Number(process.argv[2])
const controller = new AbortController()
const { signal } = controller

async function report(): Promise<HeapReport> {
  const listeners = () => getEventListeners(signal, 'abort').length
  const inside = await taskGroup(
    async (group) => {
      await pass(group, 10 * batch)
      const before = heap()
      await pass(group, tasks)
      return { before, after: heap(), listenersInside: listeners() }
    },
    { signal },
  )
  return { ...inside, listeners: listeners() }
}

/** Tasks of all sorts, a thousand at once: each waits, some in scopes of the foreign signal, some are cancelled. */
async function pass(group: TaskGroup, count: number): Promise<void> {
  for (let done = 0; done < count; done += batch) {
    const handles = Array.from({ length: batch }, (_, at) =>
      group.spawn(async () => {
        if (at % 10 === 0) await sleep(0, { signal })
        else if (at % 10 === 1) await sleep(60_000)
        else await checkpoint()
      }),
    )
    await checkpoint()
    for (const [at, handle] of handles.entries()) {
      if (at % 10 === 1) handle.cancel()
      await handle.join().catch((error: unknown) => {
        if (at % 10 !== 1) throw error
      })
    }
  }
}

function heap(): number {
  for (let time = 0; time < 3; time++) globalThis.gc!()
  return process.memoryUsage().heapUsed
}

process.stdout.write(JSON.stringify(await report()))
