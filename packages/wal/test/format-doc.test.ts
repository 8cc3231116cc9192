import { access, readFile } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { simDisk } from '@ipfs-kit/disk'
import { describe, expect, test } from 'vitest'
import { openWith } from '../src/log/open-log.ts'
import { bytesOf, openOn, segmentsOf } from './open-on.ts'
import { adds, completeOne, openStoreOn } from './open-store-on.ts'

const doc = await readFile(new URL('../FORMAT.md', import.meta.url), 'utf8')

/** Reads a segment as FORMAT.md describes it, with nothing of the source. */
function decode(name: string, bytes: Buffer): { lsn: number; payload: string }[] {
  const [, first = '', id = ''] = /^(\d{16})-([0-9a-f]{16})\.wal$/.exec(name)!
  expect(bytes.toString('latin1', 0, 8)).toBe('IPFSWAL\0')
  expect(bytes.readUInt32LE(8)).toBe(1)
  expect(bytes.readUInt32LE(12)).toBe(bytes.length)
  expect(bytes.readBigUInt64LE(16)).toBe(BigInt(`0x${id}`))
  expect(bytes.readBigUInt64LE(24)).toBe(BigInt(first))
  expect(bytes.subarray(32, 60).every((byte) => byte === 0)).toBe(true)
  expect(bytes.readUInt32LE(60)).toBe(crc32(bytes.subarray(0, 60)))
  const records: { lsn: number; payload: string }[] = []
  let lsn = Number(first)
  let at = 64
  while (at + 32 <= bytes.length && bytes.readUInt32LE(at + 4) !== 0) {
    const end = at + bytes.readUInt32LE(at + 4)
    expect(bytes.readUInt32LE(at)).toBe(crc32(bytes.subarray(at + 4, end)))
    expect(bytes.readUInt32LE(at + 8)).toBe(at)
    expect(bytes.readBigUInt64LE(at + 16)).toBe(BigInt(`0x${id}`))
    expect(bytes.readBigUInt64LE(at + 24)).toBe(BigInt(lsn))
    const count = bytes.readUInt32LE(at + 12)
    let from = at + 32 + 4 * count
    for (let nth = 0; nth < count; nth += 1) {
      const length = bytes.readUInt32LE(at + 32 + 4 * nth)
      records.push({ lsn, payload: bytes.toString('utf8', from, from + length) })
      from += length
      lsn += 1
    }
    expect(from).toBe(end)
    at = end + ((8 - (end % 8)) % 8)
    expect(bytes.subarray(end, at).every((byte) => byte === 0)).toBe(true)
  }
  expect(bytes.subarray(at).every((byte) => byte === 0)).toBe(true)
  return records
}

test('a decoder that knows FORMAT.md alone reads every record', async () => {
  const disk = simDisk({ seed: 1 })
  const payloads = Array.from({ length: 150 }, (_, at) => `${at} ${'é'.repeat(at % 40)}`)
  {
    await using log = await openOn(disk)
    for (let at = 0; at < 150; at += 10) {
      const all = payloads.slice(at, at + 10).map((text) => log.append(Buffer.from(text)))
      await Promise.all(all)
    }
  }
  const names = await segmentsOf(disk)
  expect(names.length).toBeGreaterThan(1)
  const records: unknown[] = []
  for (const name of names) records.push(...decode(name, await bytesOf(disk, name)))
  expect(records).toEqual(payloads.map((payload, at) => ({ lsn: at + 1, payload })))
})

/** The worked example: a segment of 4,096 bytes, with two frames. */
async function example(): Promise<{ name: string; bytes: Buffer }> {
  const disk = simDisk({ seed: 1 })
  await using log = await openWith({ path: '/log', disk, segmentBytes: 4096 }, () => 0x5eed_0000_0000_0001n)
  await log.appendMany([Buffer.from('hello'), Buffer.from('log')])
  await log.append(new Uint8Array(0))
  const [name = ''] = await segmentsOf(disk)
  return { name, bytes: await bytesOf(disk, name) }
}

/** Sixteen bytes a line, behind their offset. */
function hexDump(bytes: Buffer): string {
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += 16) {
    const part = bytes.subarray(at, at + 16)
    const pairs = [...part].map((byte) => byte.toString(16).padStart(2, '0'))
    const text = part.toString('latin1').replaceAll(/[^ -~]/g, '.')
    lines.push(`${at.toString(16).padStart(4, '0')}  ${pairs.join(' ').padEnd(47)}  |${text}|`)
  }
  return lines.join('\n')
}

describe('FORMAT.md', () => {
  test('shows the bytes that the code writes', async () => {
    const { name, bytes } = await example()
    const fences = [...doc.matchAll(/```text\n([^`]*)\n```/g)].map(([, text]) => text)
    expect(fences).toContain(hexDump(bytes.subarray(0, 0x98)))
    expect(bytes.subarray(0x98).every((byte) => byte === 0)).toBe(true)
    expect(doc).toContain(`\`${name}\``)
    expect(decode(name, bytes)).toEqual([
      { lsn: 1, payload: 'hello' },
      { lsn: 2, payload: 'log' },
      { lsn: 3, payload: '' },
    ])
  })
})

/** Reads a snapshot as FORMAT.md describes it, with nothing of the source. */
function decodeSnapshot(bytes: Buffer): Record<string, unknown[]> {
  expect(bytes.toString('latin1', 0, 8)).toBe('IPFSSNP\0')
  expect(bytes.readUInt32LE(8)).toBe(2)
  expect(bytes.readUInt32LE(76)).toBe(crc32(bytes.subarray(0, 76)))
  const found: Record<string, unknown[]> = { operations: [], keys: [], waits: [], config: [] }
  let at = 80
  for (let nth = 1n; ; nth += 1n) {
    const end = at + bytes.readUInt32LE(at + 4)
    expect(bytes.readUInt32LE(at)).toBe(crc32(bytes.subarray(at + 4, end)))
    expect(bytes.readUInt32LE(at + 8)).toBe(at)
    expect(bytes.readBigUInt64LE(at + 16)).toBe(bytes.readBigUInt64LE(16))
    expect(bytes.readBigUInt64LE(at + 24)).toBe(nth)
    const records = bytes.readUInt32LE(at + 12)
    const first = bytes.readUInt32LE(at + 32)
    const begin = at + 32 + 4 * records
    const { kind, count } = JSON.parse(bytes.toString('utf8', begin, begin + first)) as {
      kind: string
      count: number
    }
    at = end + ((8 - (end % 8)) % 8)
    if (kind === 'end') break
    const entries = JSON.parse(bytes.toString('utf8', begin + first, end)) as unknown[]
    expect(entries).toHaveLength(count)
    found[kind]!.push(...entries)
  }
  expect(at).toBe(bytes.length)
  const counts = [40, 48, 56, 64].map((place) => Number(bytes.readBigUInt64LE(place)))
  expect(Object.values(found).map(({ length }) => length)).toEqual(counts)
  return found
}

test('a decoder that knows FORMAT.md alone reads a snapshot', async () => {
  const disk = simDisk({ seed: 1 })
  await using store = await openStoreOn(disk, {}, { mode: 'always', concurrency: 64 })
  const done = await completeOne(store, 1000, { key: 'é' })
  const [first] = await store.append([adds()])
  const [second] = await store.append([adds({}, { after: [first!] })])
  await store.checkpoint()
  const bytes = await bytesOf(disk, 'snapshot')
  expect(decodeSnapshot(bytes)).toMatchObject({
    operations: [
      { id: done, state: 'completed' },
      { id: first, state: 'queued' },
      { id: second, waitingFor: 1 },
    ],
    keys: [{ key: 'é', id: done }],
    waits: [[first, second]],
    config: [{ mode: 'always', concurrency: 64 }],
  })
  expect([24, 32].map((at) => Number(bytes.readBigUInt64LE(at)))).toEqual([second, store.epoch])
})

test('FORMAT.md has the kinds of records that there are', async () => {
  const source = await readFile(new URL('../src/store/record.ts', import.meta.url), 'utf8')
  const kinds = [...source.matchAll(/readonly kind: '(\w+)'/g)].map(([, kind]) => kind)
  const chapter = doc.slice(doc.indexOf('## Records of operations'), doc.indexOf('## The snapshot'))
  const told = [...chapter.matchAll(/^\| `(\w+)` +\|/gm)].map(([, kind]) => kind)
  expect(new Set(told)).toEqual(new Set(['kind', ...kinds]))
})

test('the files that FORMAT.md names are there', async () => {
  const named = [...doc.matchAll(/`(src\/[^`]+)`/g)].map(([, path]) => path!)
  expect(named).not.toEqual([])
  for (const path of named) await access(new URL(`../${path}`, import.meta.url))
})
