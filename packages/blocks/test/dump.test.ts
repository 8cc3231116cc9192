import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { expect, it } from 'vitest'
import { crc32 } from 'node:zlib'
import { dumpPack, type DumpLine } from '../src/dump.ts'
import { frameKinds } from '../src/frame.ts'
import { block, type BuiltPack, buildPack, gone, header, record, smallBlocks } from './packs.ts'

const onBoth = forEachBackend(it, { seeds: 3 })
const path = '/kept-00000007.pack'
const hello = block('hello')
const contents = [hello, record('name', 'value'), gone(hello), gone(record('name', ''))]
const pack = await buildPack(contents)
const cid = 'bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq'

async function dump(bytes: Uint8Array): Promise<DumpLine[]> {
  const disk = simDisk({ seed: 1 })
  const file = await disk.open(path, 'create')
  await file.write([bytes], 0)
  await file.close()
  const lines: DumpLine[] = []
  for await (const line of dumpPack(disk, path)) lines.push(line)
  expect(disk.stats()).toMatchObject({ openFiles: 0, locks: 0 })
  return lines
}

const head = { line: 'header', path, ok: true, stream: 'kept', pack: 7, salt: '5eed5a17', store: storeHex() }

function storeHex(): string {
  return Buffer.from(header.storeId).toString('hex')
}

onBoth('shows header, frames and footer of a pack', async () => {
  const [first, second, third, fourth] = pack.frames.map(({ offset, end }) => ({
    offset,
    bytes: end - offset,
  }))
  expect(await dump(pack.sealed)).toEqual([
    { ...head, fileBytes: pack.sealed.length },
    { line: 'frame', ...first, payloadBytes: 5, kind: 'block', cid, ok: true },
    { line: 'frame', ...second, payloadBytes: 5, kind: 'record', key: 'name', ok: true },
    { line: 'frame', ...third, payloadBytes: 0, kind: 'gone-block', cid, ok: true },
    { line: 'frame', ...fourth, payloadBytes: 0, kind: 'gone-record', key: 'name', ok: true },
    {
      line: 'footer',
      offset: pack.data.length,
      bytes: pack.footerBuffer.length,
      rows: 4,
      store: storeHex(),
      agrees: true,
      framesWithoutRow: 0,
      rowsWithoutFrame: 0,
      rowsThatDiffer: 0,
      keysOk: true,
    },
    { line: 'end', frames: 4, payloadBytes: 10, damagedBytes: 0, footer: 'agrees' },
  ])
})

it('shows a torn tail of a pack without a footer', async () => {
  const torn = Buffer.concat([pack.data, Buffer.from('FRAM and no more')])
  expect((await dump(torn)).slice(-2)).toEqual([
    { line: 'tail', offset: pack.data.length, bytes: 16 },
    { line: 'end', frames: 4, payloadBytes: 10, damagedBytes: 0, footer: 'none' },
  ])
})

it('shows damaged payloads by their names, and damaged headers by their bytes, where they are', async () => {
  const many = await buildPack(smallBlocks())
  const damaged = Buffer.from(many.sealed)
  const [payload, header_, last] = [many.frames[3]!, many.frames[8]!, many.frames[19]!]
  damaged[payload.contentEnd - 1]! ^= 1
  damaged[header_.offset]! ^= 1
  damaged[last.contentEnd - 1]! ^= 1
  const lines = await dump(damaged)
  const wrong = lines.filter((line) => line.line === 'damage' || (line.line === 'frame' && !line.ok))
  expect(wrong).toMatchObject([
    { line: 'frame', offset: payload.offset, kind: 'block', payloadBytes: payload.payload.length, ok: false },
    { line: 'damage', offset: header_.offset, bytes: header_.end - header_.offset },
    { line: 'frame', offset: last.offset, ok: false },
  ])
  const offsets = lines.flatMap((line) =>
    line.line === 'frame' || line.line === 'damage' ? [line.offset] : [],
  )
  expect(offsets).toEqual(many.frames.map(({ offset }) => offset))
  const damagedBytes = [payload, header_, last].reduce((sum, { offset, end }) => sum + end - offset, 0)
  expect(lines.slice(-2)).toMatchObject([
    { line: 'footer', agrees: false, rowsWithoutFrame: 3, framesWithoutRow: 0, rowsThatDiffer: 0 },
    { line: 'end', frames: 17, damagedBytes, footer: 'differs' },
  ])
})

/** The frames of one pack with the footer of another, made to fit. */
async function withFooterOf(
  data: BuiltPack,
  other: BuiltPack,
  change: (footer: Buffer) => void,
): Promise<DumpLine> {
  const footer = Buffer.from(other.footerBuffer)
  change(footer)
  const rowsEnd = other.rows.count * 16
  footer.writeUInt32LE(crc32(footer.subarray(0, rowsEnd)), footer.length - 24)
  footer.writeUInt32LE(crc32(footer.subarray(-64, -4)), footer.length - 4)
  return (await dump(Buffer.concat([data.data, footer]))).at(-2)!
}

it('says where a valid footer differs from the frames', async () => {
  const one = await buildPack([block('aaaa'), block('bbbb')])
  const longer = await buildPack([block('aaaa'), block('cccc')])
  expect(await withFooterOf(one, longer, () => undefined)).toMatchObject({ agrees: false, rowsThatDiffer: 1 })
  const kinds = await withFooterOf(one, one, (footer) => footer.writeUInt8(footer[11]! ^ 1, 11))
  expect(kinds).toMatchObject({ line: 'footer', agrees: false, rowsWithoutFrame: 0, rowsThatDiffer: 1 })
  const keys = await withFooterOf(one, one, (footer) => footer.writeUInt8(footer[40]! ^ 1, 40))
  expect(keys).toMatchObject({ line: 'footer', agrees: false, keysOk: false, rowsThatDiffer: 0 })
})

it('shows that a file has no header, and a key that is no multihash', async () => {
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(10_000, 1)]) {
    expect(await dump(bytes)).toEqual([
      { line: 'header', path, fileBytes: bytes.length, ok: false },
      { line: 'end', frames: 0, payloadBytes: 0, damagedBytes: bytes.length, footer: 'none' },
    ])
  }
  const odd = await buildPack([
    { kind: frameKinds.goneBlock, key: Buffer.from('ffff', 'hex'), payload: Buffer.alloc(0) },
  ])
  expect((await dump(odd.data))[1]).toMatchObject({ kind: 'gone-block', key: 'ffff', ok: true })
})

it('refuses what is not there, and closes the file of a dump that is left early', async () => {
  const disk = simDisk({ seed: 1 })
  await expect(dumpPack(disk, path).next()).rejects.toMatchObject({ code: 'DISK_NOT_FOUND' })
  const file = await disk.open(path, 'create')
  await file.write([pack.sealed], 0)
  await file.close()
  for await (const _ of dumpPack(disk, path)) break
  expect(disk.stats().openFiles).toBe(0)
})
