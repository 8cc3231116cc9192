import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { describe, expect, test } from 'vitest'
import { contentOf, openOn, outcomes, recordsOf, texts } from './open-on.ts'

const both = forEachBackend(test, { seeds: 30 })

both('gives each record an LSN, and reads them back in order after opening again', async () => {
  const disk = simDisk({ seed: 1 })
  const payloads = texts(400)
  {
    await using log = await openOn(disk)
    const lsns = await Promise.all(payloads.map((payload) => log.append(payload)))
    expect(lsns).toEqual(payloads.map((_, at) => at + 1))
    expect([...(await contentOf(log)).values()]).toEqual(payloads.map(String))
  }
  await using log = await openOn(disk)
  expect(log.findings).toEqual([])
  expect(log.stats()).toMatchObject({ nextLsn: 401, durableLsn: 400, firstLsn: 1 })
  expect([...(await contentOf(log)).entries()]).toEqual(payloads.map((one, at) => [at + 1, String(one)]))
  expect([...(await contentOf(log, 390)).keys()]).toEqual([
    390, 391, 392, 393, 394, 395, 396, 397, 398, 399, 400,
  ])
  expect(await contentOf(log, 401)).toEqual(new Map())
})

both('appends of many tasks come in one order, each whole', async () => {
  await using log = await openOn(simDisk({ seed: 2 }))
  const acked = new Map<number, string>()
  await taskGroup(async (group) => {
    for (let task = 0; task < 6; task += 1) {
      group.spawn(async () => {
        for (let nth = 0; nth < 8; nth += 1) {
          const many = [`${task}.${nth}.a`, `${task}.${nth}.b`]
          const lsns = await log.appendMany(many.map((text) => Buffer.from(text)))
          expect(lsns[1]).toBe(lsns[0]! + 1)
          lsns.forEach((lsn, at) => acked.set(lsn, many[at]!))
        }
      })
    }
  })
  expect([...acked.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: 96 }, (_, at) => at + 1))
  expect(await contentOf(log)).toEqual(new Map([...acked].sort(([a], [b]) => a - b)))
})

both('who waits together shares a frame and its sync', async () => {
  await using log = await openOn(simDisk({ seed: 3 }), { segmentBytes: 65_536 })
  await log.append(Buffer.from('first'))
  const before = log.stats()
  await Promise.all(texts(100).map((payload) => log.append(payload)))
  const after = log.stats()
  expect(after.batches - before.batches).toBeLessThanOrEqual(2)
  expect(after.syncs - before.syncs).toBe(after.batches - before.batches)
  expect(after.records - before.records).toBe(100)
})

describe('payloads', () => {
  test('of no bytes are records, and no payloads are none', async () => {
    const disk = simDisk({ seed: 4 })
    {
      await using log = await openOn(disk)
      expect(await log.append(new Uint8Array(0))).toBe(1)
      expect(await log.appendMany([])).toEqual([])
      expect(await log.appendMany([new Uint8Array(0), Buffer.from('x'), new Uint8Array(0)])).toEqual([
        2, 3, 4,
      ])
    }
    await using log = await openOn(disk)
    expect([...(await contentOf(log)).values()]).toEqual(['', '', 'x', ''])
  })

  test('fill a segment to its last byte, and not one more', async () => {
    const disk = simDisk({ seed: 5 })
    const most = 4096 - 64 - 32 - 8 - 4
    {
      await using log = await openOn(disk)
      expect(await log.append(Buffer.alloc(most, 1))).toBe(1)
      expect(await log.append(Buffer.alloc(most, 2))).toBe(2)
      const tooMuch = [Buffer.alloc(most, 3), new Uint8Array(0)]
      expect(await outcomes([log.append(Buffer.alloc(most + 1)), log.appendMany(tooMuch)])).toEqual([
        'WAL_TOO_LARGE',
        'WAL_TOO_LARGE',
      ])
      expect(log.stats().segments).toBe(2)
    }
    await using log = await openOn(disk)
    expect([...(await contentOf(log)).values()].map((text) => text.length)).toEqual([most, most])
  })

  test('of 8 MiB are read back as they were', async () => {
    const huge = Buffer.alloc(8 * 1024 * 1024, 'huge ')
    const disk = simDisk({ seed: 6 })
    await using log = await openOn(disk, { segmentBytes: 16_777_216, maxRecordBytes: 10_000_000 })
    await Promise.all([log.append(huge), log.append(Buffer.from('small')), log.append(huge)])
    const found = await contentOf(log)
    expect([found.get(1) === String(huge), found.get(2), found.get(3) === String(huge)]).toEqual([
      true,
      'small',
      true,
    ])
  })

  test('that are not bytes are refused', async () => {
    await using log = await openOn(simDisk({ seed: 7 }))
    for (const wrong of ['text', null, undefined, 5, [1], new ArrayBuffer(3)]) {
      await expect(log.append(wrong as never)).rejects.toThrow(TypeError)
      await expect(log.appendMany([Buffer.from('a'), wrong as never])).rejects.toThrow(TypeError)
    }
    await expect(log.appendMany(Buffer.from('a') as never)).rejects.toThrow(TypeError)
    expect(log.stats().nextLsn).toBe(1)
  })

  test('are free for their owner once the append has settled', async () => {
    const disk = simDisk({ seed: 8 })
    await using log = await openOn(disk)
    const payload = Buffer.from('before')
    await log.append(payload)
    payload.fill('x')
    await log.append(Buffer.from('second'))
    expect([...(await contentOf(log)).values()]).toEqual(['before', 'second'])
  })
})

test('a read gives what was there when it began', async () => {
  await using log = await openOn(simDisk({ seed: 9 }))
  for (const text of texts(200)) await log.append(text)
  const reading = log.read({ from: 5 })
  const { value: first } = await reading.next()
  await log.appendMany(texts(200, 201))
  const batches = [first!]
  for await (const batch of reading) batches.push(batch)
  expect([...recordsOf(batches)]).toEqual(texts(196, 5).map((text, at) => [5 + at, String(text)]))
  expect(batches.length).toBeLessThan(log.stats().segments + 1)
})

test('a read ends with the reason of its signal', async () => {
  await using log = await openOn(simDisk({ seed: 10 }))
  for (const text of texts(200)) await log.append(text)
  const abort = new AbortController()
  const reason = new Error('enough')
  const seen: number[] = []
  const read = async (): Promise<void> => {
    for await (const { firstLsn } of log.read({ signal: abort.signal })) {
      seen.push(firstLsn)
      abort.abort(reason)
    }
  }
  await expect(read()).rejects.toBe(reason)
  expect(seen).toEqual([1])
})

test('stats are frozen, and count', async () => {
  await using log = await openOn(simDisk({ seed: 11 }))
  await log.appendMany(texts(2))
  const stats = log.stats()
  for (const part of [stats, stats.loss, stats.queue, log.findings]) expect(Object.isFrozen(part)).toBe(true)
  expect(stats).toMatchObject({
    state: 'open',
    mode: 'always',
    firstLsn: 1,
    nextLsn: 3,
    durableLsn: 2,
    segments: 1,
    bytes: 4096,
    loss: { records: 0, bytes: 0, maxMs: 0, maxBytes: 0 },
    batches: 1,
    records: 2,
    queue: { appends: 0, bytes: 0, waiting: 0 },
    lastFailure: undefined,
  })
})

test('verify counts what is there', async () => {
  await using log = await openOn(simDisk({ seed: 12 }))
  await Promise.all(texts(300).map((payload) => log.append(payload)))
  expect(await log.verify()).toMatchObject({ records: 300, findings: [], segments: log.stats().segments })
})

test('publishes each batch that is acknowledged, and that it has stopped', async () => {
  const heard: unknown[] = []
  const listen = (message: unknown): void => void heard.push(message)
  for (const name of ['wal:append', 'wal:stop']) subscribe(name, listen)
  try {
    const disk = simDisk({ seed: 13 })
    await using log = await openOn(disk)
    await log.appendMany(texts(3))
    disk.failAt('sync', 1)
    await outcomes([log.append(Buffer.from('x'))])
    expect(heard).toEqual([
      { firstLsn: 1, records: 3, bytes: 72 },
      { code: 'WAL_SYNC_FAILED', message: 'The log at /log could not be synced, and takes nothing any more' },
    ])
  } finally {
    for (const name of ['wal:append', 'wal:stop']) unsubscribe(name, listen)
  }
})
