import { mkdtemp, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEvent } from '@ipfs-kit/concurrency'
import { openWal, type WalOptions } from '@ipfs-kit/wal'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cidOf } from './cid-of.ts'
import { handler } from './wal-on.ts'

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'ipfs-kit-wal-'))
})
afterAll(() => rm(home, { recursive: true }))

test('a log is opened whichever page of its index is garbage, and has all operations at the second opening', async () => {
  const operations = 20
  const pageBytes = 4096
  const options: WalOptions = {
    path: join(home, 'log'),
    types: { pin: handler(() => 1) },
    segmentBytes: 65_536,
    executor: 'off',
  }
  {
    await using wal = await openWal(options)
    const asked = { type: 'pin', params: { text: 'x' }, backend: 's3', cids: [cidOf('c')] } as const
    await wal.appendMany(Array.from({ length: operations }, (_, n) => ({ ...asked, key: `${n}` })))
  }
  const file = join(options.path, 'index.sqlite')
  const { size } = await stat(file)
  for (let at = 0; at < size; at += pageBytes) {
    const index = await open(file, 'r+')
    await index.write(Buffer.alloc(pageBytes, 0xa5), 0, pageBytes, at)
    await index.close()
    // What is not met by opening is met by reading, or by the writer.
    {
      await using wal = await openWal(options)
      await wal.list({ limit: 1000 }).catch((error: Error) => {
        expect(error).toMatchObject({ code: 'WAL_INDEX_FAILED' })
      })
      await wal.list({ states: ['queued'], limit: 1000 }).catch((error: Error) => {
        expect(error).toMatchObject({ code: 'WAL_INDEX_FAILED' })
      })
    }
    await using wal = await openWal(options)
    expect((await wal.list({ limit: 1000 })).operations).toHaveLength(operations)
  }
})

test('an index that fails while operations run stops all, says so, and lets the log be closed', async () => {
  const path = join(home, 'fails')
  const mayEnd = createEvent()
  const types = { pin: handler(() => mayEnd.wait()), copy: handler(() => 1) }
  {
    await using wal = await openWal({ path, types, drainMs: 0 })
    const { operation } = await wal.append({ type: 'pin', params: {} })
    while ((await wal.get(operation.id))!.state !== 'running') await new Promise(setImmediate)
    const database = new Database(join(path, 'index.sqlite'))
    database.exec('DROP TABLE operations')
    database.close()
    // Its turn is looked up when the index has it, which it never has.
    await wal.append({ type: 'copy', params: {}, after: [operation.id] }).catch((error: Error) => {
      expect(error).toMatchObject({ code: 'WAL_INDEX_FAILED' })
    })
    mayEnd.set()
    await expect(wal.get(operation.id)).rejects.toMatchObject({ code: 'WAL_INDEX_FAILED' })
    while (wal.stats().running > 0) await new Promise(setImmediate)
    expect(wal.stats().stopped).toContain('index')
  }
  await using wal = await openWal({ path, types })
  for (const { id } of (await wal.list()).operations) {
    expect(await wal.wait(id)).toMatchObject({ state: 'completed' })
  }
})
