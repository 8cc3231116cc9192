/** A process with one cache: says how many bytes it takes for each entry, keys and values not counted. */
import type { MemoryCache } from '@ipfs-kit/cache'
import { flavours } from './flavours.ts'
import { keysLikeCids, numbers } from './keys.ts'

const [flavour, entriesText] = process.argv.slice(2) as [string, string]
const entries = Number(entriesText)
const keys = keysLikeCids(entries * 4, 7)
const next = numbers(5)

function held(): number {
  for (let turn = 0; turn < 3; turn += 1) globalThis.gc!()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const before = held()
const cache = flavours[flavour]!(entries)
/** Ghosts of our own caches; lru-cache has none. */
const ghosts = (): number => {
  const order = (cache as Partial<MemoryCache<number>>).stats?.().order ?? {}
  return (order.b1 ?? 0) + (order.b2 ?? 0) + (order.ghosts ?? 0)
}
// A half of the requests go to an eighth of the keys, so that every list fills.
for (let count = 0; count < 16 * entries; count += 1) {
  const key = keys[(next() & 1) === 0 ? next() % (keys.length >> 3) : next() % keys.length]!
  if (cache.get(key) === undefined) cache.set(key, count)
}
process.on('message', () => {
  const bytes = (held() - before) / entries
  process.send!({ bytes, ghosts: ghosts() / entries, resident: keys.filter((key) => cache.has(key)).length })
})
process.send!('ready')
