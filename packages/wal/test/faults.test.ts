import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import type { Log } from '@ipfs-kit/wal'
import { describe, expect, test } from 'vitest'
import { contentOf, openOn, outcomes, texts } from './open-on.ts'

/** Appends until the first segment is full and the second has some; by LSN what was acknowledged. */
async function fill(log: Log): Promise<Map<number, string>> {
  const acked = new Map<number, string>()
  for (let nth = 0; nth < 14; nth += 1) {
    const text = `${nth} `.padEnd(500, 'x')
    try {
      acked.set(await log.append(Buffer.from(text)), text)
    } catch (error) {
      expect(['WAL_IO', 'WAL_FULL', 'WAL_SYNC_FAILED']).toContain((error as { code?: string }).code)
    }
  }
  return acked
}

/** All that was acknowledged is there, with this disk as the next process finds it. */
async function expectAll(disk: SimDisk, acked: ReadonlyMap<number, string>): Promise<void> {
  await using log = await openOn(disk)
  const found = await contentOf(log)
  for (const [lsn, text] of acked) expect(found.get(lsn)).toBe(text)
  expect(log.findings.filter(({ kind }) => kind !== 'torn-tail')).toEqual([])
}

for (const kind of ['write', 'sync', 'syncFolder', 'rename', 'preallocate', 'open', 'truncate'] as const) {
  test(`EIO at each ${kind} loses nothing that was acknowledged`, async () => {
    let failed = 0
    for (let nth = 1; ; nth += 1) {
      const disk = simDisk({ seed: nth, faults: { shortWrites: 0, slowWrites: 0.5 } })
      const log = await openOn(disk)
      const before = disk.stats().operations[kind]
      disk.failAt(kind, nth)
      const acked = await fill(log)
      const { state, lastFailure } = log.stats()
      if (lastFailure !== undefined) failed += 1
      const isSync = kind === 'sync' || kind === 'syncFolder'
      if (lastFailure !== undefined) expect(state).toBe(isSync ? 'stopped' : 'open')
      if (!isSync) {
        // If this is the one that fails, the next is not.
        const more = await outcomes([log.append(Buffer.from('more'))])
        if (more[0] !== 'done') expect(await outcomes([log.append(Buffer.from('more'))])).toEqual(['done'])
      }
      const asked = disk.stats().operations[kind] - before
      await expectAll(disk.copy(nth).crash(), acked)
      await log.close()
      await expectAll(disk.kill(), acked)
      if (asked < nth) break
    }
    expect(failed).toBeGreaterThan(0)
  })
}

for (const kind of ['open', 'size', 'list', 'sync', 'syncFolder', 'stat', 'write', 'preallocate'] as const) {
  test(`EIO at each ${kind} of an opening is told, and harms nothing`, async () => {
    const made = simDisk({ seed: 1, faults: { slowReads: 0.5 } })
    const log = await openOn(made)
    const acked = await fill(log)
    await log.close()
    for (let nth = 1; ; nth += 1) {
      const disk = made.copy(nth)
      disk.failAt(kind, nth)
      let opened: Log | undefined
      try {
        opened = await openOn(disk)
      } catch (error) {
        expect(['WAL_IO', 'WAL_SYNC_FAILED']).toContain((error as { code?: string }).code)
      }
      await opened?.close()
      await expectAll(disk.copy(nth).crash(), acked)
      await expectAll(disk.kill(), acked)
      if (opened !== undefined) break
    }
  })
}

describe('a failed sync', () => {
  test('stops the log for good: it is not tried again, and reading goes on', async () => {
    const disk = simDisk({ seed: 5 })
    const log = await openOn(disk)
    await log.append(Buffer.from('before'))
    disk.failAt('sync', 1)
    const { syncs } = log.stats()
    const refused = (count: number): string[] => Array.from({ length: count }, () => 'WAL_SYNC_FAILED')
    expect(await outcomes(texts(3).map((one) => log.append(one)))).toEqual(refused(3))
    const later = [log.append(Buffer.from('later')), log.appendMany([]), log.dropBefore(1)]
    expect(await outcomes(later)).toEqual(refused(3))
    expect(log.stats()).toMatchObject({ state: 'stopped', syncs: syncs + 1, durableLsn: 1 })
    expect(log.stats().lastFailure).toMatchObject({ code: 'WAL_SYNC_FAILED', kind: 'internal' })
    expect([...(await contentOf(log)).values()]).toEqual(['before'])
    await log.close()
  })

  test('is noted: the next process does not vouch for what the device never got', async () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const disk = simDisk({ seed })
      const log = await openOn(disk)
      disk.failAt('sync', 1)
      await outcomes([log.append(Buffer.from('only in the memory of the system'))])
      await log.close()
      const next = disk.kill()
      const again = await openOn(next)
      const found = await contentOf(again)
      await again.close()
      await expectAll(next.crash(), found)
    }
  })
})

describe('a full volume', () => {
  test('refuses what needs a new segment, and takes it when there is room again', async () => {
    const disk = simDisk({ seed: 6 })
    const log = await openOn(disk)
    disk.setFaults({ capacityBytes: disk.stats().usedBytes })
    const acked = await fill(log)
    expect(acked.size).toBeGreaterThan(3)
    expect(acked.size).toBeLessThan(14)
    expect(log.stats()).toMatchObject({ state: 'open', lastFailure: { code: 'WAL_FULL', kind: 'full' } })
    expect(await outcomes([log.append(Buffer.alloc(500))])).toEqual(['WAL_FULL'])
    disk.setFaults({ capacityBytes: 1024 ** 3 })
    expect(await log.append(Buffer.from('more'))).toBe(acked.size + 1)
    await log.close()
    await expectAll(disk.crash(), new Map([...acked, [acked.size + 1, 'more']]))
  })
})

test('records whose write failed do not come back in front of those that took their place', async () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const disk = simDisk({ seed, faults: { shortWrites: 0 } })
    const log = await openOn(disk)
    await log.append(Buffer.alloc(1500, 'a'))
    disk.failAt('write', 1)
    const lost = await outcomes([log.appendMany([Buffer.alloc(900, 'b'), Buffer.alloc(900, 'c')])])
    expect(lost).toEqual(['WAL_IO'])
    // It does not fit into what is left, so that the failed bytes stay where they are.
    const lsn = await log.append(Buffer.alloc(3000, 'd'))
    expect(lsn).toBe(2)
    await log.close()
    const again = await openOn(disk.kill())
    const found = await contentOf(again)
    expect([...found].map(([at, text]) => [at, text[0]])).toEqual([
      [1, 'a'],
      [2, 'd'],
    ])
    await again.close()
  }
})

test('writes that come in pieces are whole', async () => {
  const disk = simDisk({ seed: 8, faults: { shortWrites: 0.9, slowWrites: 1 } })
  const log = await openOn(disk)
  const acked = await fill(log)
  expect(acked.size).toBe(14)
  await log.close()
  await expectAll(disk.crash(), acked)
})
