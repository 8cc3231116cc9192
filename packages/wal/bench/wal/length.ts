/** C-8: how long the log becomes. */
import { join } from 'node:path'
import { openOperationStore } from '../../src/store/open-operation-store.ts'
import type { Row } from './row.ts'
import { addOf } from './stored.ts'

const workers = 256
const segmentBytes = 32 * 1024 * 1024

export const length: Row = {
  specs: [
    {
      id: 'C-8',
      measure:
        'the largest share of live log bytes in unfinished bytes and one segment, while 256 workers promise, begin and complete operations, one in fifty of which stays unfinished',
      unit: 'ratio',
      bar: '<= 2',
    },
  ],
  async measure({ folder, quick, log }) {
    const seconds = quick ? 5 : 60
    await using store = await openOperationStore({ path: join(folder, 'store'), segmentBytes })
    const { epoch } = store
    const end = performance.now() + seconds * 1000
    const samples: number[] = []
    let most = 0
    let made = 0
    const work = async (): Promise<void> => {
      while (performance.now() < end) {
        made += 1
        const isLeft = made % 50 === 0
        const at = Date.now()
        const [id] = await store.append([addOf(made)])
        if (!isLeft) {
          await store.append([{ kind: 'start', at, id: id!, epoch }])
          await store.append([{ kind: 'complete', at, id: id!, result: 'done' }])
        }
        const { unfinishedBytes } = store.index.stats()
        most = Math.max(most, store.log.stats().bytes / (unfinishedBytes + segmentBytes))
        if (made % 10_000 === 0) samples.push(Number(most.toPrecision(3)))
      }
    }
    await Promise.all(Array.from({ length: workers }, work))
    const { checkpoints, checkpointFailure } = store.stats()
    if (checkpointFailure !== undefined) throw checkpointFailure
    log(`live log: ${made} operations, ${checkpoints} checkpoints, at most ${most.toFixed(3)}`)
    const detail = { seconds, operations: made, checkpoints }
    return { 'C-8': { value: Number(most.toPrecision(3)), samples, detail } }
  },
}
