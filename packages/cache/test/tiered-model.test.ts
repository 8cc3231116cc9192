/** Tiers that go wrong and come back, under puts, deletes, reads and sweeps at once, against a plain history of each key. */
import { createMemoryTier, tiered, type Tiered } from '@ipfs-kit/cache/tiered'
import { moveOnAfter, random, sleep, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { collect } from './ground.ts'
import { bytesOf, keyOf } from './tiered-cids.ts'
import { type Fault, faultyMemory, until } from './tiered-doubles.ts'

const onBoth = forEachBackend(test, { seeds: 100 })

/** A put or delete, from its call until its caller knows. Times are turns of a counter. */
interface Change {
  readonly bytes: Uint8Array | undefined
  readonly began: number
  ended: number
  isDone: boolean
}

/** Everything that was asked of one key. */
class History {
  readonly changes: Change[] = []

  /** Whether a read that ran from `began` to `ended` may have answered these bytes. */
  allows(answer: Uint8Array | undefined, began: number, ended: number): boolean {
    const before = this.changes.filter((change) => change.began <= ended)
    const isSame = ({ bytes }: Change): boolean =>
      bytes === undefined ? answer === undefined : answer !== undefined && Buffer.compare(bytes, answer) === 0
    const isOver = (change: Change): boolean =>
      before.some((later) => later.isDone && later.began > change.ended && later.ended < began)
    if (before.some((change) => isSame(change) && !isOver(change))) return true
    return answer === undefined && !before.some((change) => change.isDone && change.ended < began)
  }
}

function pick<T>(items: readonly T[]): T {
  return items[Math.floor(random() * items.length)]!
}

const faults: readonly Fault[] = [
  {},
  {},
  {},
  { fails: true },
  { hangs: true },
  { failsPuts: true },
  { failsDeletes: true },
  { failsPuts: true, failsDeletes: true },
  { jitterMs: 30 },
  { answersAfterMs: 8 },
  { delayMs: 15 },
  { diesAfter: 1000 },
  { stallsAfter: 1000 },
  { endsEarlyBy: 1 },
  { endsLateBy: 1 },
]

const keys = ['a', 'b', 'c']

onBoth('no read answers what was replaced or deleted before it began, whatever the tiers do', async () => {
  const memory = createMemoryTier({ maxBytes: 5000 })
  const tiers = [faultyMemory('near'), faultyMemory('far')]
  const role = pick(['cache', 'store'] as const)
  const store = tiered([memory, ...tiers], {
    maxWholeBytes: pick([1500, 100_000]),
    promoteAfterHits: pick([1, 2]),
    heatHalfLifeMs: 20,
    maxPromotions: 2,
    minCopies: role === 'store' ? pick([1, 2]) : 1,
    breaker: { failures: 3, openMs: 10, maxOpenMs: 40 },
    tiers: {
      near: { timeoutMs: 20, hedgeAfterMs: 5, role, demoteBelow: 0.8, maxValueBytes: pick([1200, 100_000]) },
      far: { timeoutMs: 40 },
    },
  })
  const histories = new Map(keys.map((key) => [key, new History()]))
  let time = 0
  let number = 0

  const change = async (key: string, isPut: boolean): Promise<void> => {
    number += 1
    const bytes = isPut ? bytesOf(number, pick([10, 900, 2500]) + number) : undefined
    const made: Change = { bytes, began: (time += 1), ended: Infinity, isDone: false }
    histories.get(key)!.changes.push(made)
    const signal = random() < 0.1 ? AbortSignal.abort(new Error('before')) : undefined
    const controller = new AbortController()
    const options = { signal: signal ?? controller.signal }
    try {
      await taskGroup(async (group) => {
        const leaving = group.spawn(async () => {
          await sleep(random() < 0.2 ? random() * 20 : 10_000)
          controller.abort(new Error('enough'))
        })
        await (bytes === undefined ? store.delete(key, options) : store.put(key, bytes, options))
        leaving.cancel()
      })
      made.isDone = true
    } catch {
      // It may have happened, until the next one that begins from here on.
    } finally {
      made.ended = time += 1
    }
  }

  const read = async (key: string): Promise<void> => {
    const began = (time += 1)
    let answer: Uint8Array | undefined
    let size: number | undefined
    const how = pick(['whole', 'stream', 'stat', 'many'])
    try {
      if (how === 'whole') answer = await store.getBytes(key)
      else if (how === 'stream') {
        const found = await store.get(key)
        answer = found === undefined ? undefined : await collect(found.body)
      } else if (how === 'stat') size = (await store.stat(key))?.size
      else
        for await (const item of store.getMany([key], { timeoutMs: 30 })) {
          if ('error' in item) return
          answer = item.value
        }
    } catch {
      return
    }
    const ended = (time += 1)
    const history = histories.get(key)!
    if (how === 'stat' && size !== undefined)
      answer = history.changes.map(({ bytes }) => bytes).find((bytes) => bytes?.length === size)
    const told = `${how} ${key} answers ${answer?.length} at ${began}-${ended} after ${history.changes.map((one) => `${one.bytes?.length}:${one.began}-${one.ended}${one.isDone ? '' : '?'}`).join(' ')}`
    expect(history.allows(answer, began, ended), told).toBe(true)
    const held = store.peek(key)
    if (held !== undefined) expect(memory.stats().bytes).toBeLessThanOrEqual(5000)
  }

  await taskGroup((group) => {
    for (let at = 0; at < 2; at += 1) {
      group.spawn(async () => {
        for (let times = 0; times < 8; times += 1) {
          await change(pick(keys), random() < 0.7)
          await sleep(random() * 10)
        }
      })
      group.spawn(async () => {
        for (let times = 0; times < 12; times += 1) {
          await read(pick(keys))
          await sleep(random() * 6)
        }
      })
    }
    group.spawn(async () => {
      for (let times = 0; times < 4; times += 1) {
        await sleep(random() * 30)
        await store.demote()
      }
    })
    group.spawn(async () => {
      for (let times = 0; times < 10; times += 1) {
        pick(tiers).fault = pick(faults)
        await sleep(random() * 30)
      }
      for (const tier of tiers) tier.fault = {}
    })
  })
  await ready(store)
  for (const key of keys) await read(key)
  await until(() => isIdle(store))
  await store.close()
})

onBoth(
  'nothing is answered under a CID but its bytes, and no block is absent that a tier keeps',
  async () => {
    const memory = createMemoryTier({ maxBytes: 3000 })
    const tiers = [faultyMemory('near'), faultyMemory('middle'), faultyMemory('far')]
    const store = tiered([memory, ...tiers], {
      maxWholeBytes: pick([500, 100_000]),
      maxReads: pick([2, 64]),
      heatHalfLifeMs: 20,
      breaker: { failures: 3, openMs: 10, maxOpenMs: 40 },
      tiers: {
        near: { timeoutMs: 20, hedgeAfterMs: 3, role: 'cache', demoteBelow: 0.8, maxCalls: 2 },
        middle: { timeoutMs: 30, hedgeAfterMs: 10, demoteBelow: 0.5 },
        far: { timeoutMs: 40 },
      },
    })
    const blocks = Array.from({ length: 6 }, (_, at) => bytesOf(at, pick([20, 400, 1500])))
    const kept = new Set<Uint8Array>()
    for (const block of blocks) if (random() < 0.5) await pick(tiers).good.put(keyOf(block), block)
    let lies = 0

    const read = async (block: Uint8Array): Promise<void> => {
      const wasKept = kept.has(block)
      const liesBefore = lies
      const [from, length] = [Math.floor(random() * block.length), Math.floor(random() * block.length)]
      const how = pick(['whole', 'stream', 'range', 'many', 'left'])
      try {
        let [answer, wanted]: [Uint8Array | undefined, Uint8Array] = [undefined, block]
        if (how === 'whole') answer = await store.getBytes(keyOf(block))
        else if (how === 'many') {
          for await (const item of store.getMany([keyOf(block)])) {
            if ('error' in item) return
            answer = item.value
          }
        } else {
          if (how === 'range') wanted = block.subarray(from, from + length)
          const found = await store.get(keyOf(block), how === 'range' ? { offset: from, length } : {})
          if (found !== undefined && how === 'left') {
            for await (const _piece of found.body) break
            return
          }
          answer = found === undefined ? undefined : await collect(found.body)
        }
        if (answer !== undefined) expect(Buffer.compare(answer, wanted), how).toBe(0)
        else if (wasKept && liesBefore === lies && !tiers.some(({ fault }) => fault.liesAboutContent))
          expect.fail(`${how}: a block that is kept is absent`)
      } catch (error) {
        if ((error as Error).name === 'AssertionError') throw error
      }
      const held = store.peek(keyOf(block))
      if (held !== undefined) expect(Buffer.compare(held, block)).toBe(0)
      expect(memory.stats().bytes).toBeLessThanOrEqual(3000)
    }

    await taskGroup((group) => {
      for (let at = 0; at < 3; at += 1)
        group.spawn(async () => {
          for (let times = 0; times < 12; times += 1) {
            await (random() < 0.2 ? moveOnAfter(3, () => read(pick(blocks))) : read(pick(blocks)))
            await sleep(random() * 5)
          }
        })
      group.spawn(async () => {
        for (const block of blocks) {
          try {
            await store.put(keyOf(block), block)
            kept.add(block)
          } catch {
            // It is not kept, as far as anybody was told.
          }
          await store.demote()
          await sleep(random() * 20)
        }
      })
      group.spawn(async () => {
        for (let times = 0; times < 14; times += 1) {
          const fault = random() < 0.25 ? { liesAboutContent: true } : pick(faults)
          if (fault.liesAboutContent === true) lies += 1
          pick(tiers).fault = fault
          await sleep(random() * 20)
        }
        for (const tier of tiers) tier.fault = {}
      })
    })
    await ready(store)
    for (const block of kept) expect(Buffer.compare((await store.getBytes(keyOf(block)))!, block)).toBe(0)
    await until(() => isIdle(store))
    await store.close()
  },
)

/** Waits until every breaker has closed again. */
async function ready(store: Tiered): Promise<void> {
  await until(() => store.stats().tiers.every(({ breaker }) => breaker.state === 'closed'))
}

/** Whether nothing runs in it or waits for its turn. */
function isIdle(store: Tiered): boolean {
  const { reads, arrivingBytes, tiers } = store.stats()
  const ofTiers = tiers.reduce((sum, { running, waiting }) => sum + running + waiting, 0)
  return reads.running === 0 && arrivingBytes === 0 && ofTiers === 0
}
