/** FORMAT.md says enough: what is written by it alone is read by the cache, and the other way round. */
import { readFile } from 'node:fs/promises'
import { type Blocks, openBlocks } from '@ipfs-kit/blocks'
import { openDiskCache } from '@ipfs-kit/cache/disk'
import { random } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { bytesOf, chunked, keysOf, mib } from './disk-ground.ts'

const onBoth = forEachBackend(test, { seeds: 10 })
const doc = await readFile(new URL('../FORMAT.md', import.meta.url), 'utf8')

interface Value {
  readonly bytes: Buffer
  readonly mediaType: string
  readonly metadata: string
  readonly storedAt: number
  readonly expiresAt: number
}

function openStore(): Promise<Blocks> {
  return openBlocks({ path: '/s', disk: simDisk({ seed: 1 }), maxBytes: 2 * mib, minFreeBytes: 0 })
}

/** All values of a cache, by FORMAT.md. Throws if a record belongs to none. */
async function decode({ unverified }: Blocks, name: string): Promise<Map<string, Value>> {
  const records = new Map<string, Buffer>()
  for await (const { key } of unverified.list()) records.set(key, Buffer.from((await unverified.get(key))!))
  const values = new Map<string, Value>()
  let parts = 0
  for (const [record, bytes] of records) {
    if (record.startsWith(`${name}\0p`)) parts += 1
    if (!record.startsWith(`${name}\0h`)) continue
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    expect(view.getUint8(0)).toBe(1)
    const generationEnd = 36 + view.getUint8(1)
    const mediaTypeEnd = generationEnd + view.getUint16(2, true)
    const metadataEnd = mediaTypeEnd + view.getUint32(4, true)
    const partBytes = view.getUint32(8, true)
    const size = view.getFloat64(12, true)
    const generation = bytes.toString('ascii', 36, generationEnd)
    expect(generation).toMatch(/^[\w-]{16}-[0-9a-z]+$/)
    const chunks = [bytes.subarray(metadataEnd)]
    if (partBytes > 0) {
      expect(chunks[0]).toHaveLength(0)
      for (let part = 0; part * partBytes < size; part += 1) {
        const chunk = records.get(`${name}\0p${generation}/${part}`)!
        expect(chunk).toHaveLength(Math.min(partBytes, size - part * partBytes))
        chunks.push(chunk)
        parts -= 1
      }
    }
    const value = Buffer.concat(chunks)
    expect(value).toHaveLength(size)
    values.set(record.slice(name.length + 2), {
      bytes: value,
      mediaType: bytes.toString('ascii', generationEnd, mediaTypeEnd),
      metadata: bytes.toString('utf8', mediaTypeEnd, metadataEnd),
      storedAt: view.getFloat64(20, true),
      expiresAt: view.getFloat64(28, true),
    })
  }
  expect(parts).toBe(0)
  return values
}

/** Writes a value as FORMAT.md says. */
async function encode(
  { unverified }: Blocks,
  name: string,
  key: string,
  value: Value,
  partBytes: number,
  generation: string,
): Promise<void> {
  const { bytes, mediaType, metadata, storedAt, expiresAt } = value
  const fixed = new DataView(new ArrayBuffer(36))
  fixed.setUint8(0, 1)
  fixed.setUint8(1, generation.length)
  fixed.setUint16(2, mediaType.length, true)
  fixed.setUint32(4, Buffer.byteLength(metadata), true)
  fixed.setUint32(8, partBytes, true)
  fixed.setFloat64(12, bytes.length, true)
  fixed.setFloat64(20, storedAt, true)
  fixed.setFloat64(28, expiresAt, true)
  const head: Buffer[] = [Buffer.from(fixed.buffer), Buffer.from(`${generation}${mediaType}${metadata}`)]
  if (partBytes === 0) head.push(bytes)
  else {
    for (let part = 0; part * partBytes < bytes.length; part += 1) {
      const chunk = bytes.subarray(part * partBytes, (part + 1) * partBytes)
      await unverified.put(`${name}\0p${generation}/${part}`, chunk)
    }
  }
  await unverified.put(`${name}\0h${key}`, Buffer.concat(head))
}

onBoth('what the cache has written is read by FORMAT.md alone', async () => {
  await using blocks = await openStore()
  let time = 1_000_000
  const cache = await openDiskCache({ blocks, failureDomain: 'test', name: 'näme', now: () => time })
  for (let at = 0; at < 40; at += 1) {
    time += 1
    const key = `${['a', 'a/../b', 'é', '😀'][at % 4]}${at % 7}`
    const bytes = bytesOf(at, [0, 1, 4096, 4097, 32_768, 50_000][Math.floor(random() * 6)]!)
    const mediaType = at % 3 === 0 ? {} : { mediaType: 'text/plain; charset=utf-8' }
    const metadata = at % 5 === 0 ? {} : { metadata: { name: `ü${at}` } }
    const ttlMs = at % 2 === 0 ? 500 : Infinity
    await cache.put(key, at % 2 === 0 ? bytes : chunked(bytes, 3000), { ...mediaType, ...metadata, ttlMs })
    if (at % 6 === 0) await cache.delete(key)
    if (at % 4 === 0) await cache.touch(key, { ttlMs: 2000 })
  }
  const values = await decode(blocks, 'näme')
  expect([...values.keys()].sort()).toEqual((await keysOf(cache)).sort())
  for (const [key, value] of values) {
    expect(Buffer.compare((await cache.getBytes(key))!, value.bytes)).toBe(0)
    const { mediaType = '', metadata, storedAt, expiresAt } = (await cache.entry(key))!
    expect({ mediaType, storedAt, expiresAt }).toEqual({
      mediaType: value.mediaType,
      storedAt: value.storedAt,
      expiresAt: value.expiresAt,
    })
    expect(metadata).toEqual(value.metadata === '' ? {} : JSON.parse(value.metadata))
  }
  await cache.close()
})

onBoth('what is written by FORMAT.md alone is read by the cache', async () => {
  await using blocks = await openStore()
  const said = { mediaType: 'a/b', metadata: '{"é":"ü"}', storedAt: 5, expiresAt: Infinity }
  const written = [
    [bytesOf(1, 0), 0],
    [bytesOf(2, 4000), 0],
    [bytesOf(3, 4000), 1000],
    [bytesOf(4, 10_001), 1000],
    [bytesOf(5, 30_000), 16_384],
  ] as const
  for (const [at, [bytes, partBytes]] of written.entries())
    await encode(blocks, 'name', `key/${at}`, { ...said, bytes }, partBytes, `0123456789abcdef-${at}`)
  await encode(
    blocks,
    'name',
    'over',
    { ...said, bytes: bytesOf(6, 5), expiresAt: 9 },
    0,
    '0123456789abcdef-z',
  )
  const cache = await openDiskCache({ blocks, failureDomain: 'test', name: 'name', now: () => 9 })
  expect(await keysOf(cache)).toEqual(written.map((_, at) => `key/${at}`))
  for (const [at, [bytes]] of written.entries()) {
    expect(Buffer.compare((await cache.getBytes(`key/${at}`))!, bytes)).toBe(0)
    expect(await cache.entry(`key/${at}`)).toEqual({
      key: `key/${at}`,
      size: bytes.length,
      mediaType: 'a/b',
      metadata: { é: 'ü' },
      storedAt: 5,
      expiresAt: Infinity,
    })
  }
  await cache.close()
})

test('the example in FORMAT.md is what the cache writes', async () => {
  await using blocks = await openStore()
  const options = { blocks, failureDomain: 'test', name: 'pages', now: () => 1_700_000_000_000 }
  await using cache = await openDiskCache(options)
  await cache.put('start', Buffer.from('<h1>Start</h1>'), {
    mediaType: 'text/html',
    metadata: { etag: '"1"' },
    ttlMs: 3_600_000,
  })
  const head = Buffer.from((await blocks.unverified.get('pages\0hstart'))!)
  // The generation begins with random characters.
  head.write('AbCdEfGhIjKlMnOp', 36, 'latin1')
  const lines: string[] = []
  for (let at = 0; at < head.length; at += 16) {
    const row = head.subarray(at, at + 16)
    const pairs = [...row].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const text = row.toString('latin1').replaceAll(/[^ -~]/g, '.')
    lines.push(`${at.toString(16).padStart(4, '0')}  ${pairs.padEnd(47)}  |${text}|`)
  }
  expect(doc).toContain(`\`\`\`text\n${lines.join('\n')}\n\`\`\``)
})
