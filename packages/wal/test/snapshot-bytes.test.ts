import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { crc32 } from 'node:zlib'
import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import { beforeAll, describe, expect, test } from 'vitest'
import { findSnapshot, readSnapshot } from '../src/store/read-snapshot.ts'
import { soak } from './crash/amount.ts'
import { bytesOf, change, cut, segmentsOf } from './open-on.ts'
import { adds, completeOne, openStoreOn } from './open-store-on.ts'

/** Openings are tried at some places; what tells them is tried at all. */
const step = soak > 1 ? 1 : 37

let made: {
  readonly disk: SimDisk
  readonly bytes: Buffer
  readonly ids: readonly number[]
  readonly later: readonly number[]
}

/** A snapshot with some operations and a key, whose log has let go of what is in it. */
beforeAll(async () => {
  const disk = simDisk({ seed: 1 })
  const store = await openStoreOn(disk)
  const ids: number[] = []
  for (let nth = 0; nth < 3; nth += 1) {
    ids.push(await completeOne(store, 1000, nth === 0 ? { key: 'a key' } : {}))
  }
  const [id] = await store.append([adds()])
  for (let nth = 0; nth < 50; nth += 1) {
    for (const kind of ['pause', 'resume'] as const) await store.append([{ kind, at: 1000, id: id! }])
  }
  await store.checkpoint()
  const later = await store.append([adds(), adds()])
  await store.close()
  expect(store.log.stats().firstLsn).toBeGreaterThan(ids.at(-1)!)
  made = { disk, bytes: await bytesOf(disk, 'snapshot'), ids, later }
})

/** Opens what was made after something was done to it; what is told. */
async function findingsAfter(harm: (disk: SimDisk) => Promise<void>) {
  const disk = made.disk.copy(2)
  await harm(disk)
  const store = await openStoreOn(disk)
  try {
    // What the log has is there, whatever the snapshot has lost.
    for (const id of made.later) expect(store.index.get(id)).toMatchObject({ state: 'queued' })
    return { findings: store.findings, quarantined: await quarantined(disk), store }
  } finally {
    await store.close()
  }
}

/** The head of what was made as another version would have it. */
function headOf(version: number): Buffer {
  const head = Buffer.from(made.bytes.subarray(0, 80))
  head.writeUInt32LE(version, 8)
  head.writeUInt32LE(crc32(head.subarray(0, 76)), 76)
  return head
}

async function quarantined(disk: SimDisk): Promise<boolean> {
  return (await disk.stat('/log/quarantine/snapshot.0')) !== undefined
}

describe('a snapshot', () => {
  test('is read as it was written', async () => {
    const { findings, quarantined: isKept } = await findingsAfter(async () => {})
    expect(findings).toEqual([])
    expect(isKept).toBe(false)
  })

  test('is told from one with any byte flipped, or cut at any', async () => {
    const disk = made.disk.copy(8)
    const isWhole = async (): Promise<boolean> => {
      const found = await findSnapshot(disk, '/log')
      if (found.state !== 'found') return false
      try {
        for await (const part of readSnapshot(disk, '/log', found.head)) expect(part.count).toBeGreaterThan(0)
        return true
      } catch (error) {
        expect(error).toMatchObject({ code: 'WAL_CORRUPT' })
        return false
      }
    }
    for (const [at, byte] of made.bytes.entries()) {
      await change(disk, 'snapshot', at, Buffer.from([byte ^ (1 << (at % 8))]))
      expect(await isWhole(), `byte ${at} flipped`).toBe(false)
      await change(disk, 'snapshot', at, Buffer.from([byte]))
    }
    expect(await isWhole()).toBe(true)
    for (let size = made.bytes.length - 1; size >= 0; size -= 1) {
      await cut(disk, 'snapshot', size)
      expect(await isWhole(), `cut to ${size}`).toBe(false)
    }
  })

  test('tells when it is opened with a byte flipped', { timeout: 300_000 * soak }, async () => {
    for (let at = 0; at < made.bytes.length; at += step) {
      const flipped = Buffer.from([made.bytes[at]! ^ (1 << (at % 8))])
      const { findings, quarantined: isKept } = await findingsAfter((disk) =>
        change(disk, 'snapshot', at, flipped),
      )
      expect(findings, `byte ${at}`).toMatchObject([{ kind: 'snapshot' }])
      expect(findings[0]!.lostThrough).toBeGreaterThan(0)
      expect(isKept).toBe(true)
    }
  })

  test(
    'tells when it is opened after a cut, and what is behind its end',
    { timeout: 300_000 * soak },
    async () => {
      for (let size = 0; size < made.bytes.length; size += step) {
        const { findings } = await findingsAfter((disk) => cut(disk, 'snapshot', size))
        expect(findings, `cut to ${size}`).toMatchObject([{ kind: 'snapshot' }])
      }
      const longer = (disk: SimDisk): Promise<void> =>
        change(disk, 'snapshot', made.bytes.length, Buffer.from('more'))
      expect((await findingsAfter(longer)).findings).toMatchObject([{ kind: 'snapshot' }])
    },
  )

  test('that is gone, with what it had let the log drop, is told', async () => {
    const { findings } = await findingsAfter(async (disk) => void (await disk.unlink('/log/snapshot')))
    expect(findings).toMatchObject([{ kind: 'no-snapshot', lostThrough: expect.any(Number) as number }])
  })

  test('that is damaged is replaced at opening, and what could be read of it stays', async () => {
    const disk = made.disk.copy(3)
    await change(disk, 'snapshot', made.bytes.length - 30, Buffer.from([0xff]))
    {
      await using store = await openStoreOn(disk)
      expect(store.findings).toMatchObject([{ kind: 'snapshot' }])
    }
    await using store = await openStoreOn(disk)
    expect(store.findings).toEqual([])
    for (const id of made.ids) expect(store.index.get(id)).toMatchObject({ state: 'completed' })
  })

  test('of the version before, which has no config, is read', async () => {
    const { findings, store } = await findingsAfter((disk) => change(disk, 'snapshot', 0, headOf(1)))
    expect(findings).toEqual([])
    for (const id of made.ids) expect(store.index.get(id)).toMatchObject({ state: 'completed' })
  })

  test('that a newer version has written is refused by name', async () => {
    const disk = made.disk.copy(4)
    await change(disk, 'snapshot', 0, headOf(3))
    await expect(openStoreOn(disk)).rejects.toMatchObject({ code: 'WAL_FORMAT_TOO_NEW' })
  })

  test('beyond which the log does not go is refused: files of it are lost', async () => {
    const disk = made.disk.copy(5)
    for (const name of await segmentsOf(disk)) await disk.unlink(`/log/${name}`)
    await expect(openStoreOn(disk)).rejects.toMatchObject({ code: 'WAL_CORRUPT' })
  })

  test('that was damaged while it was open is told by verify, and by rebuildIndex', async () => {
    const disk = made.disk.copy(6)
    await using store = await openStoreOn(disk)
    await change(disk, 'snapshot', made.bytes.length - 30, Buffer.from([0xff]))
    expect((await store.verify()).snapshot).toMatchObject({ failure: { code: 'WAL_CORRUPT' } })
    await expect(store.rebuildIndex()).rejects.toMatchObject({ code: 'WAL_CORRUPT' })
    expect(store.index.get(made.ids[0]!)).toMatchObject({ state: 'completed' })
    await store.checkpoint()
    expect((await store.verify()).snapshot).toMatchObject({ failure: undefined })
  })

  test('that is damaged, and each that is written, is told on channels', async () => {
    const told: unknown[] = []
    const listen = (message: unknown, name: string | symbol): void => void told.push([name, message])
    for (const name of ['wal:finding', 'wal:checkpoint']) subscribe(name, listen)
    try {
      const disk = made.disk.copy(9)
      await change(disk, 'snapshot', 0, Buffer.from([0]))
      await using store = await openStoreOn(disk)
      expect(told).toEqual([
        ['wal:finding', store.findings[0]],
        [
          'wal:checkpoint',
          { lsn: store.stats().snapshotLsn, bytes: (await bytesOf(disk, 'snapshot')).length },
        ],
      ])
    } finally {
      for (const name of ['wal:finding', 'wal:checkpoint']) unsubscribe(name, listen)
    }
  })

  test('is left as it was when the volume is full, and appends go on', async () => {
    const disk = made.disk.copy(7)
    await using store = await openStoreOn(disk)
    const before = await bytesOf(disk, 'snapshot')
    disk.setFaults({ capacityBytes: disk.stats().usedBytes })
    await expect(store.checkpoint()).rejects.toMatchObject({ code: 'WAL_FULL' })
    expect(store.stats().checkpointFailure).toMatchObject({ code: 'WAL_FULL' })
    expect(await bytesOf(disk, 'snapshot')).toEqual(before)
    expect(await disk.stat('/log/snapshot.next')).toBeUndefined()
    const [id] = await store.append([adds()])
    disk.setFaults({ capacityBytes: 1024 ** 4 })
    await store.checkpoint()
    expect(store.stats()).toMatchObject({ checkpointFailure: undefined, snapshotLsn: id })
  })
})
