/** A process with one cache of blocks under their CIDs, bare or in tiers: says how long a hit takes it. */
import { createHash } from 'node:crypto'
import { createMemoryCache } from '@ipfs-kit/cache'
import { createMemoryTier, tiered } from '@ipfs-kit/cache/tiered'
import { createMemoryBackend } from '@ipfs-kit/storage'
import { CID } from 'multiformats/cid'
import { code as rawCode } from 'multiformats/codecs/raw'
import { create } from 'multiformats/hashes/digest'
import { numbers } from './keys.ts'

const entries = 10_000
const valueBytes = 256
const maxBytes = entries * valueBytes
const next = numbers(11)
const blocks = Array.from({ length: entries }, () => {
  const bytes = new Uint8Array(valueBytes).map(() => next())
  const digest = createHash('sha256').update(bytes).digest()
  // In memory as one piece.
  const key = Buffer.from(CID.createV1(rawCode, create(0x12, digest)).toString()).toString('latin1')
  return { key, bytes }
})
const keys = blocks.map(({ key }) => key)
const asked = Array.from({ length: 65_536 }, () => keys[next() % entries]!)

const flavours: Record<string, () => Promise<(key: string) => Uint8Array | undefined>> = {
  bare: async () => {
    const cache = createMemoryCache<Uint8Array>({ maxBytes, maxEntries: entries })
    for (const { key, bytes } of blocks) cache.set(key, bytes)
    return (key) => cache.get(key)
  },
  tiered: async () => {
    const memory = createMemoryTier({ maxBytes, maxEntries: entries })
    const backend = createMemoryBackend({ maxBytes: maxBytes * 2, name: 'store' })
    const store = tiered([memory, backend], { keys: 'cid' })
    for (const { key, bytes } of blocks) await store.put(key, bytes)
    return (key) => store.peek(key)
  },
}

const get = await flavours[process.argv[2]!]!()
// What filling has left behind lies between the entries.
for (let times = 0; times < 4; times += 1) globalThis.gc!()

function measure(count: number): number {
  let misses = 0
  const began = process.hrtime.bigint()
  for (let done = 0, from = 0; done < count; done += 1) {
    if (get(asked[from]!) === undefined) misses += 1
    from = from + 1 === asked.length ? 0 : from + 1
  }
  const took = Number(process.hrtime.bigint() - began) / count
  if (misses > 0) throw new Error(`${misses} of ${count} gets were no hits`)
  return took
}

process.on('message', ({ count }: { count: number }) => {
  process.send!(measure(count))
})
process.send!('ready')
