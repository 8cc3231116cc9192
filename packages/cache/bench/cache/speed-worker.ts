/** A process with one cache: says how long a get or a set takes it. */
import { flavours } from './flavours.ts'
import { keysLikeCids, numbers } from './keys.ts'

const [flavour, entriesText] = process.argv.slice(2) as [string, string]
const entries = Number(entriesText)
/** So many that a key that comes again is no ghost any more. */
const keys = keysLikeCids(entries * 3, 7)
const cache = flavours[flavour]!(entries)
const next = numbers(11)
let at = 0

function set(): void {
  cache.set(keys[at]!, at)
  at = at + 1 === keys.length ? 0 : at + 1
}

/** Each gives the nanoseconds of one call. */
const questions: Record<string, (count: number) => number> = {
  get: (count) => {
    const resident = keys.filter((key) => cache.has(key))
    const asked = Array.from({ length: Math.max(65_536, entries) }, () => resident[next() % resident.length]!)
    let misses = 0
    const began = process.hrtime.bigint()
    for (let done = 0, from = 0; done < count; done += 1) {
      if (cache.get(asked[from]!) === undefined) misses += 1
      from = from + 1 === asked.length ? 0 : from + 1
    }
    const took = Number(process.hrtime.bigint() - began) / count
    if (misses > 0) throw new Error(`${misses} of ${count} gets were no hits`)
    return took
  },
  set: (count) => {
    const began = process.hrtime.bigint()
    for (let done = 0; done < count; done += 1) set()
    return Number(process.hrtime.bigint() - began) / count
  },
}

for (let count = 0; count < 2 * keys.length; count += 1) set()
process.on('message', ({ question, count }: { question: string; count: number }) => {
  process.send!(questions[question]!(count))
})
process.send!('ready')
