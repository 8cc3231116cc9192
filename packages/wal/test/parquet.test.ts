import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { LoggedOperation, OperationPage, Wal } from '@ipfs-kit/wal'
import { tableFromIPC } from '@uwdata/flechette'
import { readParquet } from 'parquet-wasm'
import { expect, test } from 'vitest'
import { callerOf, finished, servedWal } from './served-wal.ts'

/** Rows of a file, as another library reads them. */
function rowsOf(bytes: Uint8Array): any[] {
  const table = tableFromIPC(readParquet(bytes).intoIPCStream(), { useBigInt: true, useDate: true })
  return table.toArray()
}

async function bytesOf({ body }: { readonly body: AsyncIterable<Uint8Array> }): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(piece)
  return Buffer.concat(pieces)
}

test('another library reads every operation out of the file', async () => {
  const { call, wal } = await servedWal()
  await finished(wal, 150)
  const failed = await wal.append({ type: 'custom:fails', params: { text: 'ünï' }, backend: 's3', key: 'k' })
  await wal.wait(failed.operation.id)
  const answer = await call('wal.export', { format: 'parquet' })
  expect(answer.mediaType).toBe('application/vnd.apache.parquet')
  const rows = rowsOf(await bytesOf(answer))
  const { operations } = await wal.list({ limit: 1000 })
  expect(rows.map(({ id }) => Number(id))).toEqual(operations.map(({ id }) => id))
  const [first] = rows
  const operation = operations[0]!
  expect(first).toMatchObject({
    ...{ type: 'custom:fails', state: 'failed', backend: 's3', key: 'k', priority: 5n, attempt_count: 1n },
    ...{ failure_code: 'TEST_GONE', failure_message: 'The source is gone', result: null, progress: null },
    created_at: new Date(operation.createdAt),
    finished_at: new Date(operation.finishedAt!),
  })
  expect(JSON.parse(first.params as string)).toEqual({ text: 'ünï' })
  expect(JSON.parse(first.attempts as string)).toEqual(operation.attempts)
  expect(JSON.parse(rows[1].result as string)).toEqual({ text: '149' })
  expect(rows[1].failure_code).toBe(null)
})

test('an export of nothing is a file without rows', async () => {
  const { call } = await servedWal()
  expect(rowsOf(await bytesOf(await call('wal.export', { format: 'parquet' })))).toEqual([])
})

/** A log of so many operations that are made when they are asked for. */
function largeWal(count: number): Wal {
  const made = (id: number): LoggedOperation => ({
    ...{ id, lsn: id, type: 'custom:done', params: { text: 'x'.repeat(400) }, priority: 5, after: [] },
    ...{ timeoutMs: 1000, maxAttempts: 5, onInterrupted: 'retry', cids: [], createdAt: id, state: 'queued' },
    ...{ paused: false, dueAt: id, waitingFor: 0, attemptCount: 0, attemptLimit: 5, attempts: [] },
  })
  const list = async ({ before = count + 1, limit = 100 } = {}): Promise<OperationPage> => {
    const first = Math.max(1, before - limit)
    const operations = Array.from({ length: before - first }, (_, nth) => made(before - 1 - nth))
    return first === 1 ? { operations } : { operations, next: first }
  }
  return { list } as unknown as Wal
}

test.each(['jsonl', 'parquet'] as const)(
  'exporting 100,000 operations as %s holds a few of them',
  async (format) => {
    const { call } = callerOf(largeWal(100_000))
    const { body } = await call('wal.export', { format })
    const before = heapBytes()
    let bytes = 0
    let most = 0
    let nth = 0
    for await (const piece of body) {
      bytes += piece.byteLength
      nth += 1
      if (format === 'parquet' || nth % 100 === 0) most = Math.max(most, heapBytes() - before)
    }
    // As JSON they are 60 MB.
    expect(most).toBeLessThan(24_000_000)
    if (format === 'jsonl') expect(bytes).toBeGreaterThan(60_000_000)
  },
)

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function heapBytes(): number {
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
