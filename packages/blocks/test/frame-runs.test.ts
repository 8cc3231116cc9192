import { simDisk } from '@ipfs-kit/disk'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { crc32 } from 'node:zlib'
import { frameKinds, readFrameHeader } from '../src/frame.ts'
import { openBatch, Staging } from '../src/frame-batch.ts'
import { maxRunBytes } from '../src/frame-runs.ts'
import { Pack } from '../src/pack.ts'
import { encodePackHeader, packHeaderBytes } from '../src/pack-header.ts'
import { numbered } from './crash/made-blocks.ts'
import { folder, openOn } from './crash/open-store.ts'
import { findingsOf } from './findings-of.ts'
import {
  block,
  type Content,
  fileOf,
  frameOf,
  gone,
  header,
  multihashOf,
  record,
  scanAll,
  scanBy,
} from './packs.ts'

/** A pack as a stream writes it. */
function writtenPack(contents: readonly Content[]): {
  readonly data: Buffer
  readonly offsets: readonly number[]
} {
  const pack = new Pack({ ...header, slot: 0, path: '/a.pack' })
  pack.dataEnd = packHeaderBytes
  const batch = openBatch(pack)
  const staging = new Staging()
  const offsets: number[] = []
  for (const { kind, key, payload } of contents) {
    const site = { salt: header.salt, offset: packHeaderBytes + batch.bytes }
    const payloadCrc = kind === frameKinds.record ? crc32(payload) : undefined
    const frame = { kind, key, payload, payloadCrc, high: 0, low: 0, former: undefined }
    staging.add(batch, frame, site, frameOf({ kind, key, payload }, site).length)
    offsets.push(site.offset)
  }
  return { data: Buffer.concat([encodePackHeader(header), ...batch.buffers]), offsets }
}

/** What the headers say of runs: where one begins, and with which CRC the one before ends. */
function marksIn({
  data,
  offsets,
}: ReturnType<typeof writtenPack>): (readonly [number, number | undefined])[] {
  return offsets.flatMap((offset) => {
    const { run } = readFrameHeader(data, offset, { salt: header.salt, offset })!
    return run === undefined ? [] : [[offset, run.endedCrc] as const]
  })
}

function contentOf({ size, kind, fill }: { size: number; kind: string; fill: number }): Content {
  const payload = Buffer.alloc(size, `${fill} `)
  if (kind === 'record') return record(`record ${fill}`, payload)
  return kind === 'gone' ? gone(block(payload)) : block(payload)
}

const blocks = (count: number, bytes: number): Content[] =>
  Array.from({ length: count }, (_, index) => block(Buffer.alloc(bytes, `${index} `)))

it('ends a run after 32 KiB with the CRC of all its bytes', () => {
  const written = writtenPack(blocks(100, 1000))
  const marks = marksIn(written)
  expect(marks.length).toBe(4)
  expect(marks[0]).toEqual([packHeaderBytes, undefined])
  for (const [index, [offset, crc]] of marks.entries()) {
    if (index === 0) continue
    const begin = marks[index - 1]![0]
    expect(offset - begin).toBeGreaterThanOrEqual(32_768)
    expect(offset - begin).toBeLessThan(32_768 + 1064)
    expect(crc).toBe(crc32(written.data.subarray(begin, offset), header.salt))
  }
})

it('begins another run behind a large value', () => {
  const written = writtenPack([...blocks(40, 1000), block(Buffer.alloc(20_000)), ...blocks(20, 500)])
  expect(
    marksIn(written).map(([offset, crc]) => [written.offsets.indexOf(offset), crc !== undefined]),
  ).toEqual([
    [0, false],
    [31, true],
    [41, false],
  ])
})

it('takes records into a run, and gives up one that they make too long', () => {
  const records = (count: number): Content[] =>
    Array.from({ length: count }, (_, index) => record(`${index}`, Buffer.alloc(10_000, index)))
  const few = writtenPack([block('first'), ...records(6), block('last')])
  expect(marksIn(few).map(([, crc]) => crc !== undefined)).toEqual([false, true])
  const many = writtenPack([block('first'), ...records(7), block('last')])
  expect(many.offsets.at(-1)! - packHeaderBytes).toBeGreaterThan(maxRunBytes)
  expect(marksIn(many).map(([, crc]) => crc !== undefined)).toEqual([false, false])
})

it('is what a scan goes by: a block with another digest counts in a run, until it is verified', async () => {
  const lie = {
    kind: frameKinds.block,
    key: multihashOf(Buffer.from('other bytes')),
    payload: Buffer.from('these'),
  }
  const contents = [...blocks(10, 1000), lie, ...blocks(40, 1000)]
  const { data, offsets } = writtenPack(contents)
  const file = await fileOf(data)
  const byRuns = await scanBy('runs', file, data.length)
  expect(byRuns.frames.map(({ offset }) => offset)).toEqual(offsets)
  const byPayloads = await scanBy('payloads', file, data.length)
  expect(byPayloads.frames.map(({ offset }) => offset)).toEqual(offsets.filter((_, index) => index !== 10))
})

it('hides no damage, wherever it is, and costs no frame beside it', async () => {
  const size = fc.oneof(
    { weight: 20, arbitrary: fc.integer({ min: 0, max: 3000 }) },
    fc.integer({ min: 12_000, max: 20_000 }),
  )
  const kind = fc.constantFrom('block', 'block', 'block', 'record', 'gone')
  const content = fc.record({ size, kind, fill: fc.nat() })
  const damage = fc.record({
    at: fc.nat(),
    bytes: fc.constantFrom(1, 1, 512, 5000),
    fill: fc.constantFrom(undefined, 0, 0xff),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(content, { minLength: 30, maxLength: 80, size: 'max' }),
      fc.array(damage, { maxLength: 3 }),
      fc.integer({ min: 0, max: 20_000 }),
      async (wanted, damages, cut) => {
        const contents = wanted.map(contentOf)
        const { data, offsets } = writtenPack(contents)
        const torn = Buffer.from(data.subarray(0, Math.max(packHeaderBytes + 1, data.length - cut)))
        for (const { at, bytes, fill } of damages) {
          const from = packHeaderBytes + (at % (torn.length - packHeaderBytes))
          if (fill === undefined) torn[from]! ^= 0x10
          else torn.fill(fill, from, Math.min(torn.length, from + bytes))
        }
        const { frames } = await scanAll(await fileOf(torn), torn.length)
        const whole = contents.flatMap(({ kind, key, payload }, index) => {
          const offset = offsets[index]!
          const end = offset + 24 + key.length + payload.length
          const isWhole = torn.subarray(offset, end).equals(data.subarray(offset, end))
          // Its padding is a part of it.
          return isWhole && (offsets[index + 1] ?? data.length) <= torn.length
            ? [{ kind, key, offset, payload }]
            : []
        })
        expect(frames).toEqual(
          whole.map(({ payload, ...rest }) => ({ ...rest, payloadBytes: payload.length })),
        )
      },
    ),
    { numRuns: 60 },
  )
})

it('lets a store that is killed again and again go on in its pack, and find what is damaged there', async () => {
  const options = { packBytes: 1_048_576, maxBytes: 8_388_608 }
  const all = Array.from({ length: 240 }, (_, number) => numbered(number, 1000))
  let disk = simDisk({ seed: 1 })
  for (let from = 0; from < all.length; from += 80) {
    const store = await openOn(disk, options)
    using lease = store.lease()
    for (const { cid, bytes } of all.slice(from, from + 80)) await lease.put(cid, bytes)
    await lease.flush()
    disk = disk.kill()
    await store.close().catch(() => undefined)
  }
  const pack = await disk.open(`${folder}/kept-00000001.pack`, 'write')
  const bytes = Buffer.alloc(await pack.size())
  await pack.read(bytes, 0)
  const harmed = all[20]!
  const at = bytes.indexOf(harmed.bytes)
  await pack.write([Buffer.from([bytes[at + 500]! ^ 1])], at + 500)
  await pack.close()
  const findings = await findingsOf(async () => {
    await using store = await openOn(disk, options)
    for (const one of all) {
      const found = await store.get(one.cid)
      if (one === harmed) expect(found).toBeUndefined()
      else expect(Buffer.compare(found!, one.bytes)).toBe(0)
    }
  })
  const offset = at - 24 - 34
  expect(findings).toMatchObject([{ problem: 'damaged region', offset, bytes: 1064 }])
})
