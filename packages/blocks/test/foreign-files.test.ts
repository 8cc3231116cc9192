import { crc32 } from 'node:zlib'
import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import { describe, expect, test } from 'vitest'
import { encodeFooter, PackTable, readFooter } from '../src/footer.ts'
import { readKeys } from '../src/footer-keys.ts'
import { decodePackHeader } from '../src/pack-header.ts'
import { placeKind, placeOffset } from '../src/place.ts'
import { type Block, numbered } from './crash/made-blocks.ts'
import { bytesOf, change, cut, folder, openOn } from './crash/open-store.ts'

const pack = `${folder}/kept-00000001.pack`
const calm = { shortWrites: 0, slowReads: 0 }

/** A closed store with one kept pack. */
async function closedStore(): Promise<{ readonly disk: SimDisk; readonly blocks: readonly Block[] }> {
  const disk = simDisk({ seed: 1, faults: calm })
  const store = await openOn(disk)
  const blocks = Array.from({ length: 40 }, (_, at) => numbered(at, 200 + at))
  using lease = store.lease()
  for (const { cid, bytes } of blocks) await lease.put(cid, bytes)
  await lease.flush()
  await store.close()
  return { disk, blocks }
}

/** How many blocks are answered; what is answered is right. */
async function answered(disk: SimDisk, blocks: readonly Block[]): Promise<number> {
  await using store = await openOn(disk)
  let count = 0
  for (const { cid, bytes } of blocks) {
    const found = await store.get(cid)
    if (found === undefined) continue
    expect(Buffer.compare(found, bytes)).toBe(0)
    count += 1
  }
  return count
}

describe('a footer that lies', () => {
  interface Row {
    high: number
    low: number
    offset: number
    payloadBytes: number
    kind: 1 | 2 | 3 | 4
    key: Buffer
  }

  /** Writes a footer whose checksums fit, and whose rows somebody has changed. */
  async function forge(disk: SimDisk, lie: (rows: Row[]) => void): Promise<void> {
    const bytes = await bytesOf(disk, pack)
    const header = decodePackHeader(bytes.subarray(0, 64), pack)!
    const file = await disk.open(pack, 'write')
    const { footer, rows } = (await readFooter(file, bytes.length, header))!
    const keys: Buffer[] = []
    for await (const batch of readKeys(file, footer)) keys.push(...batch.keys)
    const list = keys.map((key, row): Row => {
      const [high, low, place, payloadBytes] = rows.numbers.subarray(row * 4, row * 4 + 4)
      return {
        high: high!,
        low: low!,
        offset: placeOffset(place!),
        payloadBytes: payloadBytes!,
        kind: placeKind(place!),
        key,
      }
    })
    lie(list)
    const table = new PackTable()
    for (const { high, low, offset, payloadBytes, kind, key } of list.sort(
      (left, right) => left.offset - right.offset,
    )) {
      table.add(high, low, offset, payloadBytes, kind, key)
    }
    const forged = await encodeFooter(table, { ...header, dataEnd: footer.dataEnd })
    await file.truncate(footer.dataEnd)
    await file.write(forged.buffers, footer.dataEnd)
    await file.close()
  }

  const lies: Record<string, readonly [lie: (rows: Row[]) => void, least: number]> = {
    'about where two blocks lie': [
      (rows) => {
        const [one, other] = [rows[3]!, rows[9]!]
        ;[one.high, one.low, one.key, other.high, other.low, other.key] = [
          other.high,
          other.low,
          other.key,
          one.high,
          one.low,
          one.key,
        ]
      },
      38,
    ],
    'about the length of a payload': [(rows) => (rows[5]!.payloadBytes -= 8), 39],
    'about what is there, by leaving rows out': [(rows) => rows.splice(10, 5), 35],
    'about what is there, by calling a block deleted': [(rows) => (rows[7]!.kind = 3), 39],
    'about a tag': [(rows) => (rows[2]!.low = (rows[2]!.low ^ 1) >>> 0), 39],
  }
  for (const [what, [lie, least]] of Object.entries(lies)) {
    test(`${what} makes blocks be missed, and none be wrong`, async () => {
      const { disk, blocks } = await closedStore()
      await forge(disk, lie)
      expect(await answered(disk, blocks)).toBeGreaterThanOrEqual(least)
    })
  }

  test('about its checksum, its store or its end is not believed: the frames are scanned', async () => {
    const { disk, blocks } = await closedStore()
    const { length } = await bytesOf(disk, pack)
    for (const harm of [
      (copy: SimDisk) => change(copy, pack, length - 40, Buffer.alloc(8)),
      (copy: SimDisk) => cut(copy, pack, length - 1),
      (copy: SimDisk) => change(copy, pack, length, Buffer.alloc(5000)),
    ]) {
      const copy = disk.copy(1)
      await harm(copy)
      expect(await answered(copy, blocks)).toBe(40)
      // It has a footer again.
      expect(await answered(copy, blocks)).toBe(40)
    }
  })
})

describe('what a newer version wrote is refused by name', () => {
  test('a pack', async () => {
    const { disk } = await closedStore()
    const half = (await bytesOf(disk, pack)).subarray(0, 32)
    half.writeUInt16LE(2, 8)
    half.writeUInt32LE(crc32(half.subarray(0, 28)), 28)
    await change(disk, pack, 0, half)
    await expect(openOn(disk)).rejects.toMatchObject({
      code: 'BLOCKS_FORMAT_TOO_NEW',
      message: expect.stringMatching(/kept-00000001\.pack .*version 2/),
    })
    // It has left nothing open.
    await change(disk, pack, 0, Buffer.alloc(1))
    await (await openOn(disk)).close()
  })

  test('a store', async () => {
    const { disk } = await closedStore()
    const path = `${folder}/store`
    const bytes = await bytesOf(disk, path)
    bytes.writeUInt16LE(7, 8)
    bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), bytes.length - 4)
    await change(disk, path, 0, bytes)
    await expect(openOn(disk)).rejects.toMatchObject({
      code: 'BLOCKS_FORMAT_TOO_NEW',
      message: expect.stringMatching(/\/store\/store .*version 7/),
    })
  })
})

test('a second opener of this process is refused, and let in when the first has closed', async () => {
  const disk = simDisk({ seed: 1 })
  const first = await openOn(disk)
  await expect(openOn(disk)).rejects.toMatchObject({ code: 'BLOCKS_LOCKED' })
  await first.close()
  await (await openOn(disk)).close()
})

test('files that are none of the store are left alone', async () => {
  const { disk, blocks } = await closedStore()
  const strange = [
    `${folder}/readme.txt`,
    `${folder}/kept-1.pack`,
    `${folder}/kept-99999999999.pack`,
    `${folder}/kept-00000777.pack`,
  ]
  for (const path of strange) {
    const file = await disk.open(path, 'create-new')
    await file.write([Buffer.from('this is no pack. '.repeat(20))], 0)
    await file.close()
  }
  expect(await answered(disk, blocks)).toBe(40)
  for (const path of strange) expect(await disk.stat(path)).toBeDefined()
})
