/** Cases about closing, locks and cancelled callers. */
import assert from 'node:assert/strict'
import { cancelScope, checkpoint, taskGroup } from '@ipfs-kit/concurrency'
import { DiskError } from '../errors.ts'
import { assertRefused, assertSame, contentOf, pattern } from './ground.ts'
import type { ConformanceCase } from './ground.ts'

export const lifeCases: readonly ConformanceCase[] = [
  {
    title: 'after close every call of a file is refused',
    run: async ({ disk, at }) => {
      const file = await disk.open(at('closed'), 'create')
      await file.write([pattern(10)], 0)
      await file.close()
      const into = new Uint8Array(10)
      await assertRefused(file.write([pattern(1)], 0), 'DISK_CLOSED')
      await assertRefused(file.write([], 0), 'DISK_CLOSED')
      await assertRefused(file.read(into, 0), 'DISK_CLOSED')
      await assertRefused(
        checkpoint().then(() => file.readNow(into, 0)),
        'DISK_CLOSED',
      )
      await assertRefused(
        checkpoint().then(() => file.writeNow([], 0)),
        'DISK_CLOSED',
      )
      await assertRefused(file.truncate(0), 'DISK_CLOSED')
      await assertRefused(file.preallocate(100), 'DISK_CLOSED')
      await assertRefused(file.sync(), 'DISK_CLOSED')
      await assertRefused(
        checkpoint().then(() => file.syncNow()),
        'DISK_CLOSED',
      )
      await assertRefused(file.size(), 'DISK_CLOSED')
    },
  },
  {
    title: 'close can be called again, at once and later',
    run: async ({ disk, at }) => {
      const file = await disk.open(at('twice'), 'create')
      await taskGroup((group) => {
        for (let one = 0; one < 3; one += 1) group.spawn(() => file.close())
      })
      await file.close()
    },
  },
  {
    title: 'close waits for the calls that run',
    run: async ({ disk, at, bytesOf }) => {
      const file = await disk.open(at('busy'), 'create')
      let written = 0
      await taskGroup((group) => {
        for (let one = 0; one < 8; one += 1) {
          group.spawn(async () => {
            try {
              await file.write([pattern(1000, one)], one * 1000)
              written += 1
            } catch (error) {
              // It came later than the close.
              assert.ok(error instanceof DiskError && error.code === 'DISK_CLOSED')
            }
          })
          if (one === 3) group.spawn(() => file.close())
        }
      })
      await assertRefused(file.size(), 'DISK_CLOSED')
      const bytes = await bytesOf('busy')
      let whole = 0
      for (let one = 0; one < 8; one += 1) {
        const part = Buffer.from(bytes.subarray(one * 1000, (one + 1) * 1000))
        if (part.equals(pattern(1000, one))) whole += 1
        else assert.ok(part.every((byte) => byte === 0))
      }
      assert.equal(whole, written, 'what close let go on was finished')
      const large = await disk.open(at('large'), 'create')
      const ended: string[] = []
      await Promise.all([
        large.write([pattern(4_000_000)], 0).then(() => ended.push('write')),
        large.close().then(() => ended.push('close')),
      ])
      assert.deepEqual(ended, ['write', 'close'])
    },
  },
  {
    title: 'a call whose caller is cancelled goes on to its end before it settles',
    run: async ({ using }) => {
      await using('cancelled', async (file) => {
        let settled = false
        await cancelScope(async (scope) => {
          const writing = file.write([pattern(200_000)], 0)
          scope.cancel()
          await writing
          settled = true
        })
        assert.equal(settled, true)
        assertSame(await contentOf(file), pattern(200_000))
      })
    },
  },
  {
    title: 'a lock is held once, and can be taken again when it was closed',
    run: async ({ disk, at, names }) => {
      const lock = await disk.lock(at('lock'))
      assert.deepEqual(await names(), ['lock'])
      await assertRefused(disk.lock(at('lock')), 'DISK_LOCKED')
      await assertRefused(disk.lock(at('lock')), 'DISK_LOCKED')
      const other = await disk.lock(at('other'))
      await lock.close()
      await lock.close()
      const again = await disk.lock(at('lock'))
      await lock.close()
      await assertRefused(disk.lock(at('lock')), 'DISK_LOCKED')
      await assertRefused(disk.lock(at('other')), 'DISK_LOCKED')
      await again.close()
      await other.close()
    },
  },
]
