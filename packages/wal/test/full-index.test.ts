/** A volume on which the index cannot grow any more, and then can again. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runMounting } from '@ipfs-kit/disk/testing'
import { openWal, type Wal } from '@ipfs-kit/wal'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { callerOf, temporaryFolder } from './served-wal.ts'
import { handler } from './wal-on.ts'

/** What SQLite says of a full volume it says too of a table that has given its last number. */
function fill(path: string): { empty(): void } {
  const database = new Database(join(path, 'index.sqlite'))
  database.exec(`
    CREATE TABLE numbers (id INTEGER PRIMARY KEY AUTOINCREMENT);
    INSERT INTO numbers VALUES (9223372036854775807);
    CREATE TRIGGER fill AFTER INSERT ON operations BEGIN INSERT INTO numbers VALUES (NULL); END`)
  return {
    empty() {
      database.exec('DROP TRIGGER fill')
      database.close()
    },
  }
}

const asked = { type: 'pin', params: { text: 'x' } } as const

/** Promises operations until one is refused; the ids of those that were acknowledged. */
async function appendUntilFull(wal: Wal): Promise<number[]> {
  const ids: number[] = []
  for (;;) {
    try {
      ids.push((await wal.append(asked)).operation.id)
    } catch (error) {
      expect(error).toMatchObject({ code: 'WAL_FULL', kind: 'full' })
      return ids
    }
  }
}

test('a log whose index finds no room refuses appends, says so, and goes on by itself when there is room', async () => {
  const path = join(await temporaryFolder(), 'log')
  const ran: number[] = []
  const types = { pin: handler((_, { operation }) => void ran.push(operation.id)) }
  await using wal = await openWal({ path, types })
  const { call } = callerOf(wal)
  const full = fill(path)
  const ids = await appendUntilFull(wal)
  expect(ids.length).toBeGreaterThan(0)
  expect(wal.stats()).toMatchObject({ stopped: undefined, index: { isFull: true } })
  expect(await call('wal.health', {})).toMatchObject({
    state: 'degraded',
    problems: expect.arrayContaining(['the index waits for room: the volume is full']) as string[],
  })
  await expect(wal.get(ids[0]!)).rejects.toMatchObject({ code: 'WAL_FULL' })
  full.empty()
  // Whatever waits for its turn gets it; nobody asks for that.
  for (const id of ids) expect(await wal.wait(id)).toMatchObject({ state: 'completed', attemptCount: 1 })
  expect(new Set(ran)).toEqual(new Set(ids))
  const { operation } = await wal.append(asked)
  expect(await wal.wait(operation.id)).toMatchObject({ state: 'completed' })
  expect(wal.stats()).toMatchObject({ stopped: undefined, index: { isFull: false } })
  expect((await wal.verify()).index).toMatchObject({ operations: ids.length + 1, wrong: [] })
})

test('a log that is closed while its index finds no room has everything when it is opened with room', async () => {
  const path = join(await temporaryFolder(), 'log')
  const types = { pin: handler(() => 1) }
  const wal = await openWal({ path, types, executor: 'off' })
  const full = fill(path)
  const ids = await appendUntilFull(wal)
  await wal.close()
  full.empty()
  await using again = await openWal({ path, types })
  for (const id of ids) expect(await again.wait(id)).toMatchObject({ state: 'completed' })
})

test('on a small volume that is full, the same', async (context) => {
  const place = await temporaryFolder()
  const child = fileURLToPath(new URL('full-index-child.ts', import.meta.url))
  const run = runMounting(place, ['--conditions=@ipfs-kit/source', child, place])
  if (run === undefined) {
    context.skip('needs a small file system, and nothing may be mounted here')
    return
  }
  expect([run.status, run.stderr, run.stdout]).toEqual([0, '', 'all held\n'])
})
