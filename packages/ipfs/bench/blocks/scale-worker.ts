/** A process of E-6: a store of numbered blocks of 64 bytes, filled and read on demand. */
import { openBlocks, type Blocks } from '@ipfs-kit/blocks'
import { answer } from './answer.ts'
import { numberedBlocks, randomBelow, type Block } from './content.ts'
import { residentMiB } from './memory.ts'
import { inFlight, timed } from './rounds.ts'

const batch = 100_000
const getBatch = 5000
const atOnce = 256
const block = numberedBlocks(64)
let opened: Blocks | undefined

answer({
  async open({ path }) {
    const began = performance.now()
    opened = await openBlocks({ path })
    return { seconds: (performance.now() - began) / 1000 }
  },
  async fill({ from, to }, log) {
    const began = performance.now()
    for (let at = from; at < to; at += batch) {
      await putBatch(at, Math.min(at + batch, to), 'on-read')
      if ((at + batch) % 2_000_000 === 0) log(`E-6.scale: ${at + batch} entries`)
    }
    return { seconds: (performance.now() - began) / 1000 }
  },
  async put({ from, to }) {
    return { seconds: await putBatch(from, to, 'now') }
  },
  async get({ entries, count, seed }) {
    const random = randomBelow(seed)
    let took = 0
    // A few at once: what is asked for is made before the clock starts, and must not weigh on the memory that is measured.
    for (let done = 0; done < count; done += getBatch) {
      const wanted = Array.from({ length: getBatch }, () => block(random(entries)).cid)
      took += await timed(() =>
        inFlight(getBatch, atOnce, async (at) => {
          const bytes = await store().get(wanted[at]!)
          if (bytes?.byteLength !== 64) throw new Error(`${wanted[at]!} was not read`)
        }),
      )
    }
    return { seconds: took / 1000 }
  },
  async memory() {
    globalThis.gc?.()
    return { MiB: residentMiB() }
  },
  async close() {
    const took = await timed(() => store().close())
    opened = undefined
    return { seconds: took / 1000 }
  },
})

/** Puts blocks that are made before the clock starts, and gives the seconds. */
async function putBatch(from: number, to: number, verify: 'now' | 'on-read'): Promise<number> {
  const content: Block[] = Array.from({ length: to - from }, (_, at) => block(from + at))
  if (verify === 'now') globalThis.gc?.()
  const blocks = store()
  const took = await timed(() =>
    inFlight(content.length, atOnce, (at) => blocks.put(content[at]!.cid, content[at]!.bytes, { verify })),
  )
  return took / 1000
}

function store(): Blocks {
  if (opened === undefined) throw new Error('The store is not open')
  return opened
}
