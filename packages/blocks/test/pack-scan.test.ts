import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { frameKinds, writeFrameHeader } from '../src/frame.ts'
import { packHeaderBytes } from '../src/pack-header.ts'
import {
  block,
  buildPack,
  type Content,
  expected,
  fileOf,
  gone,
  header,
  record,
  scanAll,
  smallBlocks,
} from './packs.ts'

const mib = 1024 * 1024
const onBoth = forEachBackend(it, { seeds: 3 })

onBoth('finds all frames of a pack in their order', async () => {
  const first = block('first')
  const named = record('name', 'value')
  const pack = await buildPack([
    first,
    named,
    gone(first),
    gone(named),
    block(''),
    record('', ''),
    ...smallBlocks(),
  ])
  for (const bytes of [pack.data, pack.sealed, Buffer.concat([pack.data, Buffer.alloc(5000)])]) {
    const { frames, scan } = await scanAll(await fileOf(bytes), bytes.length)
    expect(frames).toEqual(expected(pack.frames))
    expect(scan.end).toBe(pack.data.length)
    expect(scan.damages).toEqual([])
    const behind = bytes.length - pack.data.length
    expect(scan.tail).toEqual(behind === 0 ? [] : [{ offset: scan.end, bytes: behind }])
  }
})

it('finds frames of any sizes, around and above what is read at once', async () => {
  const size = fc.oneof(
    fc.integer({ min: 0, max: 200 }),
    fc.integer({ min: mib - 200, max: mib + 200 }),
    fc.integer({ min: 0, max: 3 * mib }),
  )
  const content = fc
    .tuple(size, fc.constantFrom('', 'k', 'k'.repeat(10_000)), fc.nat())
    .map(([length, key, fill]) => {
      const payload = Buffer.alloc(length, fill & 0xff)
      return key === '' ? block(payload) : record(key, payload)
    })
  await fc.assert(
    fc.asyncProperty(fc.array(content, { maxLength: 8 }), async (contents) => {
      const pack = await buildPack(contents)
      const file = await fileOf(pack.sealed)
      const { frames, scan } = await scanAll(file, pack.sealed.length)
      expect(frames.map(({ offset }) => offset)).toEqual(pack.frames.map(({ offset }) => offset))
      expect(frames.every(({ key }, index) => key.equals(pack.frames[index]!.key))).toBe(true)
      expect(scan.end).toBe(pack.data.length)
    }),
    { numRuns: 20 },
  )
})

it('finds a damaged byte in a value of more than 4 MiB, and the frames around it', async () => {
  const contents: Content[] = [block('before'), block(Buffer.alloc(4 * mib + 77, 1)), block('between')]
  contents.push(record('large', Buffer.alloc(5 * mib, 2)), block('behind'))
  const pack = await buildPack(contents)
  const whole = await scanAll(await fileOf(pack.data), pack.data.length)
  expect(whole.frames).toEqual(expected(pack.frames))
  const damaged = Buffer.from(pack.data)
  for (const index of [1, 3]) damaged[pack.frames[index]!.offset + 3 * mib]! ^= 4
  const { frames, scan } = await scanAll(await fileOf(damaged), damaged.length)
  expect(frames).toEqual(expected(pack.frames.filter((_, index) => index % 2 === 0)))
  expect(scan.damages.map(({ offset, bytes, frame }) => [offset, bytes, frame?.key])).toEqual(
    [1, 3].map((index) => {
      const { offset, end, key } = pack.frames[index]!
      return [offset, end - offset, key]
    }),
  )
})

it('cuts a torn tail behind the last whole frame, wherever it is torn', async () => {
  const pack = await buildPack([
    ...smallBlocks().slice(0, 3),
    record('name', 'value'),
    block('x'.repeat(100)),
  ])
  const file = await fileOf(pack.data)
  for (let length = pack.data.length; length >= packHeaderBytes; length--) {
    await file.truncate(length)
    const whole = pack.frames.filter(({ end }) => end <= length)
    const { frames, scan } = await scanAll(file, length)
    expect(frames).toEqual(expected(whole))
    expect(scan.end).toBe(whole.at(-1)?.end ?? packHeaderBytes)
    expect(scan.damages).toEqual([])
    expect(scan.tail.reduce((sum, { bytes }) => sum + bytes, scan.end)).toBe(length)
  }
})

it('takes a tail of zeros that stand for unwritten sectors as torn', async () => {
  const pack = await buildPack([block('a'), block('b'.repeat(3000))])
  const torn = Buffer.from(pack.data)
  torn.fill(0, 512)
  const { frames, scan } = await scanAll(await fileOf(torn), torn.length)
  expect(frames).toEqual(expected(pack.frames.slice(0, 1)))
  expect(scan.damages).toEqual([])
  expect(scan.end).toBe(pack.frames[0]!.end)
})

it('passes a damaged middle, and says where it is', async () => {
  const pack = await buildPack(smallBlocks())
  const [from, to] = [pack.frames[5]!.offset, pack.frames[9]!.end]
  for (const fill of [Buffer.alloc(1), Buffer.from('FRAM'), Buffer.from('xFRAMFRA'), Buffer.alloc(1, 0xff)]) {
    const damaged = Buffer.from(pack.sealed).fill(fill, from, to)
    const { frames, scan } = await scanAll(await fileOf(damaged), damaged.length)
    expect(frames).toEqual(expected([...pack.frames.slice(0, 5), ...pack.frames.slice(10)]))
    expect(scan.damages).toEqual([{ offset: from, bytes: to - from }])
    expect(scan.end).toBe(pack.data.length)
  }
})

it('passes damage that is longer than what is read at once', async () => {
  for (const bytes of [mib - 8, mib, mib + 8, 3 * mib - 64]) {
    const pack = await buildPack([block('a'), block(Buffer.alloc(bytes, 'FRAM')), block('b')])
    const { offset, end } = pack.frames[1]!
    const damaged = Buffer.from(pack.data)
    damaged[offset] = 0
    const { frames, scan } = await scanAll(await fileOf(damaged), damaged.length)
    expect(frames).toEqual(expected([pack.frames[0]!, pack.frames[2]!]))
    expect(scan.damages).toEqual([{ offset, bytes: end - offset }])
  }
})

it('does not take the frames in a payload that is a pack for its own, even where its header is damaged', async () => {
  const inner = await buildPack(smallBlocks(), { ...header, id: 3, salt: 12_345 })
  const pack = await buildPack([
    block('a'),
    block(inner.sealed),
    record('of-eight', inner.sealed),
    block('b'),
  ])
  const found = await scanAll(await fileOf(pack.data), pack.data.length)
  expect(found.frames).toEqual(expected(pack.frames))
  const damaged = Buffer.from(pack.data)
  damaged[pack.frames[1]!.offset + 9]! ^= 1
  damaged[pack.frames[2]!.offset + 9]! ^= 1
  const { frames, scan } = await scanAll(await fileOf(damaged), damaged.length)
  expect(frames).toEqual(expected([pack.frames[0]!, pack.frames[3]!]))
  const [from, to] = [pack.frames[1]!.offset, pack.frames[2]!.end]
  expect(scan.damages).toEqual([{ offset: from, bytes: to - from }])
})

it('does not take the frames of its own copy for its own, even where the header around the copy is damaged', async () => {
  const kept = block('kept')
  const before = await buildPack([kept, record('name', 'old'), gone(kept)])
  // With a key of eight bytes the copy's frames begin at multiples of eight.
  for (const sealed of [before.data, before.sealed]) {
    const pack = await buildPack([
      kept,
      record('name', 'old'),
      gone(kept),
      kept,
      record('of-eight', sealed),
      record('name', 'new'),
    ])
    const around = pack.frames[4]!
    const damaged = Buffer.from(pack.data)
    damaged[around.offset + 9]! ^= 1
    const { frames, scan } = await scanAll(await fileOf(damaged), damaged.length)
    expect(frames).toEqual(expected(pack.frames.filter((frame) => frame !== around)))
    expect(scan.damages).toEqual([{ offset: around.offset, bytes: around.end - around.offset }])
  }
})

it('takes no block whose hash is unknown, and no record without a checksum, however long', async () => {
  for (const size of [3, 2 * mib]) {
    const payload = Buffer.alloc(size, 5)
    const unknown = Buffer.from('1e20'.padEnd(68, '0'), 'hex')
    const odd = { kind: frameKinds.block, key: unknown, payload }
    const pack = await buildPack([odd, record('name', payload), block('behind')])
    const named = pack.frames[1]!
    const data = Buffer.from(pack.data)
    const unchecked = { kind: named.kind, key: named.key, payloadBytes: size }
    writeFrameHeader(data, named.offset, unchecked, { salt: header.salt, offset: named.offset })
    const { frames, scan } = await scanAll(await fileOf(data), data.length)
    expect(frames).toEqual(expected(pack.frames.slice(2)))
    expect(scan.damages.map(({ frame }) => frame?.key)).toEqual([unknown, named.key])
  }
})

it('begins where it is told to, and stops where the file ends, whatever it is told', async () => {
  const pack = await buildPack(smallBlocks())
  const file = await fileOf(pack.data)
  const from = pack.frames[7]!.offset
  const late = await scanAll(file, pack.data.length, { from })
  expect(late.frames).toEqual(expected(pack.frames.slice(7)))
  const early = await scanAll(file, from)
  expect(early.frames).toEqual(expected(pack.frames.slice(0, 7)))
  const beyond = await scanAll(file, pack.data.length + 10_000)
  expect(beyond.frames).toEqual(expected(pack.frames))
  expect(beyond.scan.tail).toEqual([])
  const none = await scanAll(file, 0)
  expect(none.frames).toEqual([])
})

it('lets an error of the disk through: what cannot be read is not known to be damaged', async () => {
  const disk = simDisk({ seed: 1 })
  const pack = await buildPack(smallBlocks())
  const file = await disk.open('/a.pack', 'create')
  await file.write([pack.data], 0)
  disk.failAt('read', 1)
  await expect(scanAll(file, pack.data.length)).rejects.toMatchObject({ code: 'DISK_IO' })
})
