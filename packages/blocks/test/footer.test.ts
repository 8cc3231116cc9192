import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32 } from 'node:zlib'
import { checkKeys, readKeys } from '../src/footer-keys.ts'
import { rowsAreSound } from '../src/footer-rows.ts'
import { encodeFooter, footerBytes, footerReserveBytes, readFooter, readRows } from '../src/footer.ts'
import { frameKinds, type FrameKind } from '../src/frame.ts'
import { PackTable } from '../src/pack-table.ts'
import { placeOf, placeOffset } from '../src/place.ts'
import { block, buildPack, fileOf, header, record, smallBlocks, tagOf } from './packs.ts'

const contents = [...smallBlocks(), record('name', 'value'), record('k'.repeat(10_000), ''), block('')]
const pack = await buildPack(contents)

it('gives back rows and keys, and takes the bytes that were reserved for it', async () => {
  const file = await fileOf(pack.sealed)
  const found = await readFooter(file, pack.sealed.length, header)
  expect(found).toEqual({ footer: pack.footer, rows: pack.rows })
  const reserved = contents.reduce(
    (sum, { key }) => sum + footerReserveBytes(key.length),
    footerReserveBytes.fixed,
  )
  expect(pack.footerBuffer).toHaveLength(reserved)
  expect(footerBytes(pack.footer)).toBe(reserved)
  const byOffset = new Map(pack.frames.map((frame) => [frame.offset, frame]))
  for await (const { row, keys } of readKeys(file, pack.footer)) {
    for (const [at, key] of keys.entries()) {
      const [high, low, place, payloadBytes] = [
        ...pack.rows.numbers.subarray((row + at) * 4, (row + at) * 4 + 4),
      ]
      const frame = byOffset.get(placeOffset(place!))!
      byOffset.delete(frame.offset)
      expect(key).toEqual(frame.key)
      expect({ high, low }).toEqual(tagOf(frame))
      expect(place).toBe(placeOf(frame.offset, frame.kind))
      expect(payloadBytes).toBe(frame.payload.length)
    }
  }
  expect(byOffset.size).toBe(0)
})

it('reads any part of the rows, and refuses rows that there are not', async () => {
  const file = await fileOf(pack.sealed)
  expect(await readRows(file, pack.footer, 0, 0)).toEqual({ count: 0, numbers: new Uint32Array(0) })
  const some = await readRows(file, pack.footer, 3, 5)
  expect(some).toEqual({ count: 5, numbers: pack.rows.numbers.slice(12, 32) })
  await expect(readRows(file, pack.footer, 20, 4)).rejects.toThrow(RangeError)
  await expect(readRows(file, pack.footer, -1, 2)).rejects.toThrow(RangeError)
  await file.truncate(pack.data.length + 8)
  await expect(readRows(file, pack.footer, 0, 1)).rejects.toMatchObject({ code: 'BLOCKS_IO' })
})

it('has a footer for a pack without frames', async () => {
  const empty = await buildPack([])
  const file = await fileOf(empty.sealed)
  expect(await readFooter(file, empty.sealed.length, header)).toEqual({
    footer: empty.footer,
    rows: empty.rows,
  })
  for await (const _ of readKeys(file, empty.footer)) expect.unreachable()
  expect(await checkKeys(file, empty.footer)).toBe(true)
})

it('streams keys of any lengths in batches of at most 256 KiB', async () => {
  const lengths = fc.array(fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 16_384 })), {
    maxLength: 80,
  })
  await fc.assert(
    fc.asyncProperty(lengths, async (list) => {
      const table = new PackTable()
      const keys = list.map((length, index) => Buffer.alloc(length, `${index} `))
      keys.forEach((key, index) => table.add(index, 0, 64 + index * 24, 0, frameKinds.record, key))
      const { footer, buffers } = await encodeFooter(table, { ...header, dataEnd: 64 + list.length * 24 })
      const file = await fileOf(Buffer.concat([Buffer.alloc(footer.dataEnd), ...buffers]))
      const found: Buffer[] = []
      for await (const batch of readKeys(file, footer)) {
        expect(batch.row).toBe(found.length)
        expect(batch.keys.reduce((sum, key) => sum + key.length, 0)).toBeLessThanOrEqual(262_144)
        found.push(...batch.keys)
      }
      expect(found).toEqual(keys)
    }),
    { numRuns: 25 },
  )
})

it('notices damaged keys before it yields one', async () => {
  const damaged = Buffer.from(pack.sealed)
  damaged[damaged.length - 70]! ^= 1
  const file = await fileOf(damaged)
  const found = await readFooter(file, damaged.length, header)
  expect(found?.rows).toEqual(pack.rows)
  expect(await checkKeys(file, found!.footer)).toBe(false)
  await expect(readKeys(file, found!.footer).next()).rejects.toMatchObject({ code: 'BLOCKS_IO' })
})

/** What a liar writes: every checksum fits. */
interface Lie {
  rows: Uint32Array
  count: number
  keyBytes: number
  dataEnd: number
  id: number
  salt: number
  keys: Buffer
}

async function lying(lie: (truth: Lie) => void): Promise<Buffer> {
  const { footer, rows, data, footerBuffer } = pack
  const keysAt = rows.count * 16
  const said: Lie = {
    rows: rows.numbers.slice(),
    count: rows.count,
    keyBytes: footer.keyBytes,
    dataEnd: data.length,
    id: header.id,
    salt: header.salt,
    keys: Buffer.from(footerBuffer.subarray(keysAt, keysAt + footer.keyBytes)),
  }
  lie(said)
  const trailer = Buffer.from(footerBuffer.subarray(-64))
  const rowBytes = Buffer.from(said.rows.buffer, 0, said.rows.byteLength)
  trailer.writeUInt32LE(said.count, 8)
  trailer.writeUInt32LE(said.keyBytes, 12)
  trailer.writeBigUInt64LE(BigInt(said.dataEnd), 16)
  trailer.writeUInt32LE(said.id, 24)
  trailer.writeUInt32LE(said.salt, 28)
  trailer.writeUInt32LE(crc32(rowBytes), 40)
  trailer.writeUInt32LE(crc32(said.keys), 44)
  trailer.writeUInt32LE(crc32(trailer.subarray(0, 60)), 60)
  return Buffer.concat([data, rowBytes, said.keys, trailer])
}

/** A place with another offset. */
const at = (offset: number, kind: FrameKind = frameKinds.block) => placeOf(offset, kind)

describe('a lying footer is none:', () => {
  const swap = (rows: Uint32Array, row: number) => {
    const former = rows.slice(row * 4, row * 4 + 4)
    rows.copyWithin(row * 4, row * 4 + 4, row * 4 + 8)
    rows.set(former, row * 4 + 4)
  }
  const lies: Record<string, (truth: Lie) => void> = {
    'rows that are not sorted': ({ rows }) => swap(rows, 4),
    'rows of one tag that are not sorted by offset': ({ rows }) => {
      rows.copyWithin(0, 4, 6)
      if ((rows[2]! & 0x7fffff) < (rows[6]! & 0x7fffff)) swap(rows, 0)
    },
    'a row twice': ({ rows }) => rows.copyWithin(0, 4, 8),
    'a frame in the header': ({ rows }) => (rows[2] = at(56)),
    'a frame behind the data': ({ rows }) => (rows[2] = at(pack.data.length)),
    'a payload that ends behind the data': ({ rows }) => (rows[3] = pack.data.length),
    'a payload of 4 GiB': ({ rows }) => (rows[3] = 2 ** 32 - 1),
    'a frame in another one': ({ rows }) => (rows[2] = (rows[6]! & 0x7fffff) + 1 + 2 ** 23),
    'two frames in one place': ({ rows }) => (rows[2] = rows[6]!),
    'a payload that reaches into the next frame': ({ rows }) => (rows[3] = 2000),
    'kind 0': ({ rows }) => (rows[2] = rows[2]! & 0x7fffff),
    'a kind that there is not': ({ rows }) => (rows[2] = (rows[2]! & 0x7fffff) + 5 * 2 ** 23),
    'bits above the kind': ({ rows }) => (rows[2] = (rows[2]! | 0x80000000) >>> 0),
    'fewer rows than there are': (truth) => (truth.count -= 1),
    'more rows than there are': (truth) => (truth.count += 1),
    'as many rows as a number can say': (truth) => (truth.count = 2 ** 32 - 1),
    'rows taken from the keys': (truth) => {
      truth.count += 1
      truth.keyBytes -= 16
    },
    'more keys than there are bytes': (truth) => (truth.keyBytes = 2 ** 32 - 1),
    'another end of the data': (truth) => (truth.dataEnd -= 8),
    'an end of the data in the header': (truth) => {
      truth.keyBytes += truth.dataEnd - 56
      truth.dataEnd = 56
    },
    'an end of the data behind everything': (truth) => (truth.dataEnd = 2 ** 52),
    'another pack': (truth) => (truth.id += 1),
    'another salt': (truth) => (truth.salt ^= 1),
  }
  for (const [name, lie] of Object.entries(lies)) {
    it(name, async () => {
      const bytes = await lying(lie)
      expect(await readFooter(await fileOf(bytes), bytes.length, header)).toBeUndefined()
    })
  }

  it('and the truth in the same way is one', async () => {
    const bytes = await lying(() => undefined)
    expect(bytes).toEqual(pack.sealed)
    expect(await readFooter(await fileOf(bytes), bytes.length, header)).toBeDefined()
  })
})

it('is none when it is of another pack, at another place, or not at the end', async () => {
  const other = await buildPack(contents, { ...header, id: 8, salt: 99 })
  const wrong = Buffer.concat([pack.data, other.footerBuffer])
  expect(await readFooter(await fileOf(wrong), wrong.length, header)).toBeUndefined()
  // The file as a value at its own end: frames, then a copy of the whole file, whose footer is at the end now.
  const copied = Buffer.concat([pack.data, pack.sealed])
  expect(await readFooter(await fileOf(copied), copied.length, header)).toBeUndefined()
  // Rows and keys where they were, and a frame between them and the trailer.
  const torn = Buffer.concat([pack.sealed, Buffer.alloc(40), pack.sealed.subarray(-64)])
  expect(await readFooter(await fileOf(torn), torn.length, header)).toBeUndefined()
  const more = Buffer.concat([pack.sealed, Buffer.alloc(8)])
  expect(await readFooter(await fileOf(more), more.length, header)).toBeUndefined()
})

it('compares many rows with the size of the data, and each with the one before', () => {
  const count = 40_000
  const numbers = new Uint32Array(count * 4)
  for (let row = 0; row < count; row++) numbers.set([row, 1, at(64 + row * 64), 40], row * 4)
  const dataEnd = 64 + count * 64
  expect(rowsAreSound({ count, numbers }, dataEnd)).toBe(true)
  // Each frame reaches over the next one, and none over the end.
  const long = numbers.map((number, index) => (index % 4 === 3 && index < (count - 2) * 4 ? 100 : number))
  expect(rowsAreSound({ count, numbers: long }, dataEnd)).toBe(false)
  const twice = numbers.slice()
  twice.copyWithin(400, 404, 408)
  expect(rowsAreSound({ count, numbers: twice }, dataEnd)).toBe(false)
})

it('says keys are damaged when their lengths do not fit, though the checksum does', async () => {
  for (const lie of [
    (truth: Lie) => truth.keys.writeUInt16LE(35, 0),
    (truth: Lie) => truth.keys.writeUInt16LE(0xffff, 0),
    (truth: Lie) => truth.keys.fill(0),
  ]) {
    const bytes = await lying(lie)
    const file = await fileOf(bytes)
    const found = await readFooter(file, bytes.length, header)
    const read = async () => {
      let count = 0
      for await (const { keys } of readKeys(file, found!.footer)) count += keys.length
      return count
    }
    await expect(read()).rejects.toMatchObject({ code: 'BLOCKS_IO' })
  }
})
