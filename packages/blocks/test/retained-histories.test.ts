import assert from 'node:assert/strict'
import { sleep, taskGroup } from '@ipfs-kit/concurrency'
import { simulate } from '@ipfs-kit/concurrency/testing'
import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import type { Blocks, Claim } from '../src/blocks.ts'
import { soak } from './crash/amount.ts'
import { countedDisk } from './crash/counted-disk.ts'
import { checkAll, type Dag, dagOf, flood, hereOf, putAll } from './crash/cached-dag.ts'
import { type Block, linksOf, numbered, whole } from './crash/made-blocks.ts'
import { folder, openOn } from './crash/open-store.ts'

const maxBytes = 1_048_576
const slow = { latencyMs: 3, slowReads: 0.5 }

/** Roots that are retained, each with what of it was here after it was told of. */
class Promised {
  readonly dags = new Map<number, { readonly dag: Dag; readonly here: readonly Block[] }>()
  readonly roots = new Map<number, Block>()
  readonly pins: Block[] = []
  #next = 0

  /** Opens the store on a disk whose process dies in the middle of a call that changes it, the nth from now. */
  async open(disk: SimDisk, maxIndexedEntries?: number, diesAt = Number.POSITIVE_INFINITY): Promise<Blocks> {
    let moments = 0
    const counted = await countedDisk(disk, folder, {
      onMoment: () => {
        moments += 1
        if (moments === diesAt) disk.kill()
      },
      onGrown: (bytes) => assert.ok(bytes <= maxBytes, `the packs have ${bytes} bytes`),
    })
    return openOn(counted, {
      maxBytes,
      claims: () => [...this.#pinClaims(), ...[...this.roots.values()].map(({ cid }) => skipping(cid))],
      retained: async function* (this: Promised) {
        const roots = [...this.roots.values()]
        await sleep(whole(4))
        for (const { cid } of roots) yield cid
      }.bind(this),
      links: linksOf,
      ...(maxIndexedEntries === undefined ? {} : { maxIndexedEntries }),
    })
  }

  #pinClaims(): Claim[] {
    return this.pins.map(({ cid }) => ({ cid }))
  }

  /** Promises work on content, whatever of it is here. */
  async promise(store: Blocks, dag: Dag): Promise<void> {
    const id = (this.#next += 1)
    this.roots.set(id, dag.root)
    store.noteRetained(whole(2) === 0 ? [dag.root.cid] : undefined)
    this.dags.set(id, { dag, here: await this.#reachable(store, dag) })
  }

  /** What is here, unless it lies behind a hole. */
  async #reachable(store: Blocks, { root, blocks }: Dag): Promise<Block[]> {
    const here = await hereOf(store, [...blocks].reverse())
    const names = new Set(here.map(({ key }) => key))
    if (!names.has(root.key)) return []
    const linked = new Set(
      here
        .filter(({ cid }) => cid.code === root.cid.code)
        .flatMap(({ cid, bytes }) => linksOf(cid, bytes))
        .map((cid) => Buffer.from(cid.multihash.bytes).toString('latin1')),
    )
    return here.filter(({ key }) => key === root.key || linked.has(key))
  }

  end(): void {
    const [oldest] = this.dags.keys()
    if (oldest === undefined) return
    this.dags.delete(oldest)
    this.roots.delete(oldest)
  }

  async check(store: Blocks): Promise<void> {
    for (const [id, { here }] of [...this.dags]) {
      try {
        await checkAll(store, here)
      } catch (error) {
        // Its work may have ended meanwhile.
        if (this.dags.has(id)) throw error
      }
    }
  }
}

function skipping(cid: Block['cid']): Claim {
  return { cid, missing: 'skip' }
}

/** What several callers do at once, with an eviction every few steps. */
async function live(store: Blocks, disk: SimDisk, promised: Promised, life: number): Promise<void> {
  let next = 1 + life * 100_000
  const number = (count = 1): number => (next += count) - count
  const dags: Dag[] = []
  const pin = async (): Promise<void> => {
    using lease = store.lease()
    const block = numbered(number(), 6000)
    await lease.put(block.cid, block.bytes)
    await lease.flush()
    promised.pins.push(block)
    if (promised.pins.length > 20) promised.pins.splice(whole(20), 1)
  }
  const step = async (): Promise<void> => {
    const kind = whole(100)
    if (kind < 45) return flood(store, number(10), 10, 4000)
    if (kind < 65) {
      const dag = dagOf(number(20), 1000 + whole(4000))
      await putAll(store, whole(2) === 0 ? dag.blocks : dag.blocks.toReversed())
      dags.push(dag)
      return
    }
    if (kind < 80) {
      const dag = dags[Math.max(0, dags.length - 1 - whole(5))]
      if (dag !== undefined) await promised.promise(store, dag)
      if (promised.dags.size > 6) promised.end()
      return
    }
    if (kind < 84) return promised.end()
    if (kind < 92) return pin()
    if (kind < 94) return void (await store.collect())
    if (kind < 96) return void (await store.compact({ minDeadShare: 0.1 }))
    if (kind < 98) return void (await store.mark())
    await promised.check(store)
  }
  await taskGroup(async (group) => {
    for (let caller = 0; caller < 4; caller += 1) {
      group.spawn(async () => {
        for (let at = 0; at < 25 && !disk.dead; at += 1) {
          try {
            await step()
          } catch (error) {
            if (!disk.dead) throw error
          }
        }
      })
    }
  })
}

for (const [where, maxIndexedEntries] of [
  ['in memory', undefined],
  ['answered from their footers', 40],
] as const) {
  test(
    `what was here of a root when it was told of stays until its work ends, also when the process dies (packs ${where})`,
    { timeout: 300_000 * soak },
    async () => {
      let evicted = 0
      let promises = 0
      const { failed } = await simulate(
        async () => {
          const promised = new Promised()
          let disk = simDisk({ seed: whole(2 ** 31), faults: whole(2) === 0 ? slow : { shortWrites: 0.3 } })
          for (let life = 0; life < 3; life += 1) {
            const store = await promised.open(
              disk,
              maxIndexedEntries,
              life < 2 ? 100 + whole(3000) : undefined,
            )
            await live(store, disk, promised, life)
            evicted += store.stats().evictedPacks
            promises += promised.dags.size
            if (!disk.dead) {
              await promised.check(store)
              assert.ok(store.stats().packBytes <= maxBytes)
            }
            const next = disk.kill()
            await store.close().catch(() => undefined)
            disk = next
          }
          await using store = await promised.open(disk, maxIndexedEntries)
          await promised.check(store)
          await store.collect()
          await promised.check(store)
        },
        { seeds: 2 * soak, maxFailures: 1 },
      )
      expect(failed[0]?.error).toBeUndefined()
      expect(evicted).toBeGreaterThan(25 * soak)
      expect(promises).toBeGreaterThan(10 * soak)
    },
  )
}

test(
  'what moves to a kept pack survives a power loss at any moment of that',
  { timeout: 300_000 * soak },
  async () => {
    let crashes = 0
    const { failed } = await simulate(
      async () => {
        const dags = [dagOf(1), dagOf(100), dagOf(200)]
        const promised = new Promised()
        const disk = simDisk({ seed: whole(2 ** 31), faults: slow })
        const first = await promised.open(disk)
        for (const dag of dags) {
          await putAll(first, dag.blocks)
          await flood(first, whole(1000) * 1000, 20)
        }
        await first.close()
        // They were put long ago: all of it is on the medium.
        for (const { name } of await disk.list(folder)) {
          const file = await disk.open(`${folder}/${name}`, 'write')
          await file.sync()
          await file.close()
        }
        await disk.syncFolder(folder)
        for (const { root } of dags) promised.roots.set(promised.roots.size, root)
        const second = await promised.open(disk)
        disk.crashAt('any', 300 + whole(700))
        await flood(second, 2_000_000, 400).catch((error: unknown) => {
          if (!disk.dead) throw error
        })
        if (disk.dead) crashes += 1
        const next = disk.crash()
        await second.close().catch(() => undefined)
        await using third = await promised.open(next)
        for (const { blocks } of dags) await checkAll(third, blocks)
      },
      { seeds: 30 * soak, maxFailures: 1 },
    )
    expect(failed[0]?.error).toBeUndefined()
    expect(crashes).toBeGreaterThan(15 * soak)
  },
)
