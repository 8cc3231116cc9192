import assert from 'node:assert/strict'
import { createMemoryCache } from '@ipfs-kit/cache'

await using cache = createMemoryCache<Uint8Array>({ maxBytes: 64 * 1024 * 1024 })

// Asked for twice at once, loaded once.
let loads = 0
const load = async (key: string) => {
  loads += 1
  return new TextEncoder().encode(`the content of ${key}`)
}
const [one, other] = await Promise.all([cache.fetch('readme', load), cache.fetch('readme', load)])
assert.equal(one, other)
assert.equal(loads, 1)

cache.set('for a minute', new Uint8Array(1000), { ttlMs: 60_000 })
assert.equal(cache.get('for a minute')?.byteLength, 1000)

const { entries, bytes, hits } = cache.stats()
assert.deepEqual({ entries, bytes, hits }, { entries: 2, bytes: 1021, hits: 1 })

// Another process may go on from here.
const snapshot = structuredClone(cache.snapshot())
await using next = createMemoryCache<Uint8Array>({ maxBytes: 64 * 1024 * 1024, snapshot })
assert.ok(next.has('readme'))
