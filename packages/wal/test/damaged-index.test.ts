import { open, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openWal, type WalOptions } from '@ipfs-kit/wal'
import { afterAll, beforeAll, expect, test } from 'vitest'
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
    segmentBytes: 262_144,
    executor: 'off',
  }
  {
    await using wal = await openWal(options)
    const asked = { type: 'pin', params: { text: 'x' }, backend: 's3', cids: ['c'] } as const
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
