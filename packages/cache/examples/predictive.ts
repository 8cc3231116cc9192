import assert from 'node:assert/strict'
import { createPrefetcher } from '@ipfs-kit/cache/predictive'
import { sleep } from '@ipfs-kit/concurrency'

// A file as a tree of blocks: the root names its leaves. Each fetch takes 20 ms.
const leaves = Array.from({ length: 40 }, (_, at) => `leaf ${at}`)
await using prefetcher = createPrefetcher<Uint8Array>({
  fetch: async (_key, { signal }) => {
    await sleep(20, { signal })
    return new Uint8Array(1000)
  },
  linksOf: (key) => (key === 'root' ? leaves : []),
})

// What it fetches ahead ends with it.
await using reader = prefetcher.reader()
for (const key of ['root', ...leaves]) await reader.read(key)

const { precision, prefetches, stallMs, savedMs, workload } = prefetcher.stats()
assert.equal(precision, 1)
assert.equal(prefetches.inTime + prefetches.late, 40)
assert.ok(stallMs < savedMs)
assert.equal(workload.class, 'sequential')
