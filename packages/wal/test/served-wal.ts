/** An open log of operations on a folder of its own, and its operations as a caller has them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sleep } from '@ipfs-kit/concurrency'
import { createCaller, type TableOf } from '@ipfs-kit/operations'
import { openWal, type OperationTypes, type Wal, type WalOptions } from '@ipfs-kit/wal'
import { walOperations } from '@ipfs-kit/wal/operations'
import { onTestFinished } from 'vitest'
import { z } from 'zod'

const params = z.object({ text: z.string().optional(), items: z.number().optional() })

/** Types of operations for tests: one that is done, one that fails, one that goes on until it is told to end. */
export const testTypes: OperationTypes = {
  'custom:done': { params, run: ({ text }: z.output<typeof params>) => ({ text: text ?? '' }) },
  'custom:fails': {
    params,
    maxAttempts: 1,
    run() {
      throw Object.assign(new Error('The source is gone'), { code: 'TEST_GONE', kind: 'not-found' })
    },
  },
  'custom:partial': {
    params,
    run(_params: unknown, { progress, results }) {
      progress({ stage: 'copying', bytes: 300, totalBytes: 400, items: 3, totalItems: 4 })
      results([
        { name: 'a' },
        { name: 'b', failure: { code: 'TEST_DENIED', message: 'b may not be read' } },
        { name: 'c' },
      ])
      return null
    },
  },
  'custom:endless': {
    params,
    async run(_params: unknown, { progress }) {
      progress({ stage: 'waiting', bytes: 50, totalBytes: 200 })
      await sleep(Infinity)
    },
  },
}

/** A folder that is removed when the test has finished. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'wal-operations-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Opens a log; closes it when the test has finished. */
export async function servedWal(options: Partial<WalOptions> = {}) {
  const path = options.path ?? join(await temporaryFolder(), 'log')
  const wal = await openWal({ types: testTypes, drainMs: 0, ...options, path })
  onTestFinished(() => wal.close())
  return { wal, path, ...callerOf(wal) }
}

/** The operations of a log. */
export function callerOf(wal: Wal) {
  const { signal } = new AbortController()
  return createCaller<TableOf<typeof walOperations>>({
    operations: walOperations,
    borrow: () => ({ parts: { wal }, signal, release() {} }),
  })
}

/** The text of an answer of bytes. */
export async function textOf({ body }: { readonly body: AsyncIterable<Uint8Array> }): Promise<string> {
  return Buffer.concat(await collect(body)).toString()
}

/** All values. */
export async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of values) all.push(value)
  return all
}

/** Promises operations that are done at once, numbered in their parameters, and waits for all of them. Their ids. */
export async function finished(wal: Wal, count: number): Promise<number[]> {
  const operations = Array.from({ length: count }, (_, nth) => ({
    type: 'custom:done' as const,
    params: { text: String(nth) },
  }))
  const ids = (await wal.appendMany(operations)).map(({ operation }) => operation.id)
  for (const id of ids) await wal.wait(id)
  return ids
}
