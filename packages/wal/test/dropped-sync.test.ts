import { simulate } from '@ipfs-kit/concurrency/testing'
import { type Disk, type DiskFile, type SimDisk, simDisk } from '@ipfs-kit/disk'
import type { Log } from '@ipfs-kit/wal'
import { expect, test } from 'vitest'
import { soak } from './crash/amount.ts'
import { whole } from './crash/world.ts'
import { contentOf, openOn } from './open-on.ts'

/** A disk that answers the syncs of segments and does nothing, as some controllers do. */
function withoutSyncs(disk: Disk): Disk {
  const open: Disk['open'] = async (path, mode) => {
    const file = await disk.open(path, mode)
    return new Proxy<DiskFile>(file, {
      get(_, name) {
        if (name === 'sync') return async () => {}
        if (name === 'syncNow') return () => true
        const value: unknown = Reflect.get(file, name)
        return typeof value === 'function' ? (value.bind(file) as unknown) : value
      },
    })
  }
  return new Proxy<Disk>(disk, {
    get(_, name) {
      if (name === 'open') return open
      const value: unknown = Reflect.get(disk, name)
      return typeof value === 'function' ? (value.bind(disk) as unknown) : value
    },
  })
}

/** Appends batches of three, and ends without closing. What was answered, by LSN. */
async function live(disk: SimDisk, end: (disk: SimDisk) => SimDisk): Promise<[Map<number, string>, SimDisk]> {
  const answered = new Map<number, string>()
  const log = await openOn(withoutSyncs(disk))
  for (let batch = 0; batch < 40; batch += 1) {
    const texts = [0, 1, 2].map((at) => `batch ${batch} ${at} ${'x'.repeat(whole(200))}`)
    const lsns = await log.appendMany(texts.map((text) => Buffer.from(text)))
    lsns.forEach((lsn, at) => answered.set(lsn, texts[at]!))
  }
  const next = end(disk)
  await log.close().catch(() => undefined)
  return [answered, next]
}

async function found(log: Log): Promise<Map<number, string>> {
  await using open = log
  return await contentOf(open)
}

test('a device that drops syncs and loses its power makes no record up, and no batch half', async () => {
  const lost: number[] = []
  const { failed } = await simulate(
    async () => {
      const first = simDisk({ seed: whole(2 ** 31), faults: { tearing: 0.3 } })
      const [answered, disk] = await live(first, (dying) => dying.crash())
      const there = await found(await openOn(disk))
      lost.push(answered.size - there.size)
      for (const [lsn, text] of there) {
        expect(text).toBe(answered.get(lsn))
        const begin = lsn - ((lsn - 1) % 3)
        for (const one of [begin, begin + 1, begin + 2]) expect(there.has(one)).toBe(true)
      }
      const again = await openOn(disk)
      const lsn = await again.append(Buffer.from('afterwards'))
      expect(Math.max(0, ...there.keys())).toBeLessThan(lsn)
      await again.close()
      expect((await found(await openOn(disk))).get(lsn)).toBe('afterwards')
    },
    { seeds: 100 * soak, maxFailures: 1 },
  )
  expect(failed[0]?.error).toBeUndefined()
  // Else nothing was dropped, and the test says nothing.
  expect(Math.max(...lost)).toBeGreaterThan(0)
})

test('what a device that drops syncs was given survives the death of the process', async () => {
  const { failed } = await simulate(
    async () => {
      const first = simDisk({ seed: whole(2 ** 31) })
      const [answered, disk] = await live(first, (dying) => dying.kill())
      expect(await found(await openOn(disk))).toEqual(answered)
    },
    { seeds: 20 * soak, maxFailures: 1 },
  )
  expect(failed[0]?.error).toBeUndefined()
})
