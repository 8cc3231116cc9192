/** A process that promises, begins and completes operations until it is killed. Says each once that was acknowledged. */
import { flushCompileCache } from 'node:module'
import { openOperationStore } from '../../src/store/open-operation-store.ts'
import { adds } from '../open-store-on.ts'

// It dies before it would keep what it has compiled for the next one.
flushCompileCache()
const [path = ''] = process.argv.slice(2)
const store = await openOperationStore({ path, segmentBytes: 65_536, keepFinished: { count: 1_000_000 } })
process.stdout.write(`open ${store.findings.length}\n`)

const worker = async (): Promise<void> => {
  for (let nth = 0; ; nth += 1) {
    const [id] = await store.append([adds({ text: 'x'.repeat(150) })])
    process.stdout.write(`queued ${id}\n`)
    if (nth % 3 === 0) continue
    await store.append([{ kind: 'start', at: Date.now(), id: id!, epoch: store.epoch }])
    process.stdout.write(`retrying ${id}\n`)
    if (nth % 3 === 1) continue
    await store.append([{ kind: 'complete', at: Date.now(), id: id!, result: 'done' }])
    process.stdout.write(`completed ${id}\n`)
  }
}
await Promise.all(Array.from({ length: 8 }, worker))
