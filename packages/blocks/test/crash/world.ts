/** A world around a store on a simulated disk: callers that do what a node does, and what they have been promised. */
import assert from 'node:assert/strict'
import { taskGroup } from '@ipfs-kit/concurrency'
import type { SimDisk } from '@ipfs-kit/disk'
import type { Blocks } from '../../src/blocks.ts'
import { openWith, type BlocksOptions } from '../../src/open-blocks.ts'
import { createTagger } from '../../src/tags.ts'
import { countedDisk } from './counted-disk.ts'
import { type Block, linksOf, listOf, numbered, whole } from './made-blocks.ts'

/** A claim that was recorded: after a flush, in a place that survives every crash. */
export interface Recorded {
  readonly root: Block
  readonly blocks: readonly Block[]
}

/** Recorded claims by their root. */
export type Claims = ReadonlyMap<string, Recorded>

/** The folder of the store. */
export const folder = '/store'

/** A world. */
export class World {
  readonly claims = new Map<string, Recorded>()
  /** Every block that was ever made. */
  readonly blocks: Block[] = []
  /** Values that were ever put under each free key. */
  readonly records = new Map<string, Uint8Array[]>()
  /** Called between two steps of the disk. */
  onMoment: (() => void) | undefined
  /** What must not have happened. */
  readonly wrongs: string[] = []
  /** Those of adds, and those that nobody claims. */
  readonly #leaves: Block[] = []
  readonly #loose: Block[] = []
  #made = 0

  /** Opens the store on a disk, with chances that the scheduler's seed decides. */
  async open(
    disk: SimDisk,
    options: Partial<BlocksOptions> = {},
    claims: Claims = this.claims,
  ): Promise<Blocks> {
    const { maxBytes = 1_048_576 } = options
    let store: Blocks | undefined
    const counted = await countedDisk(disk, folder, {
      onMoment: () => this.onMoment?.(),
      onGrown: (bytes) => {
        // What a dead process asks for is refused, and what it gives back is never taken.
        if (store === undefined || disk.dead) return
        const { packBytes } = store.stats()
        if (bytes > packBytes) this.wrongs.push(`the packs have ${bytes} bytes, and ${packBytes} were taken`)
        // That of the volume can shrink below what is taken.
        if (packBytes > maxBytes) this.wrongs.push(`${packBytes} bytes were taken of ${maxBytes}`)
      },
    })
    store = await openWith(
      {
        path: folder,
        disk: counted,
        maxBytes,
        packBytes: 65_536,
        minFreeBytes: 0,
        claims: () => [...claims.values()].map(({ root }) => ({ cid: root.cid })),
        links: linksOf,
        ...options,
      },
      {
        makeTagger: createTagger,
        randomBytes: (bytes) => Buffer.from(Array.from({ length: bytes }, () => whole(256))),
      },
    )
    return store
  }

  /** Does as a node does until it has done enough, or the disk is dead. */
  async live(store: Blocks, disk: SimDisk, steps: number): Promise<void> {
    await taskGroup(async (group) => {
      for (let caller = 0; caller < 4; caller += 1) {
        group.spawn(async () => {
          for (let step = 0; step < steps; step += 1) {
            if (disk.dead) return
            try {
              await this.#step(store)
            } catch (error) {
              if (disk.dead) return
              if (!expected.has((error as { code?: string }).code ?? '')) throw error
            }
          }
        })
      }
    })
  }

  #block(among: Block[]): Block {
    this.#made += 1
    // A block of less than 4 bytes comes again: it must not be one that is deleted.
    const least = among === this.#loose ? 4 : 0
    const size =
      whole(8) === 0 ? least + whole(20) : whole(3) === 0 ? least + whole(20_000) : least + whole(1500)
    const block = numbered(this.#made, size)
    this.blocks.push(block)
    among.push(block)
    return block
  }

  async #step(store: Blocks): Promise<void> {
    const kind = whole(100)
    if (kind < 35) return this.#add(store)
    const some = this.blocks[whole(this.blocks.length)]
    if (kind < 55) {
      const { cid, bytes } = (whole(3) === 0 ? some : undefined) ?? this.#block(this.#loose)
      return store.put(cid, bytes)
    }
    if (kind < 75) {
      const found = some === undefined ? undefined : await store.get(some.cid)
      if (found !== undefined) assert.deepEqual(Buffer.from(found), Buffer.from(some!.bytes))
      return
    }
    if (kind < 82) return this.#record(store)
    if (kind < 87) {
      const [key] = [...this.claims.keys()].slice(whole(this.claims.size))
      if (key !== undefined) this.claims.delete(key)
      return
    }
    if (kind < 91) {
      // Only what no add may be about to claim: a delete does not ask for claims.
      const loose = this.#loose[whole(this.#loose.length)]
      if (loose !== undefined) await store.delete(loose.cid)
      return
    }
    if (kind < 93) return void (await store.collect())
    if (kind < 96) return void (await store.compact({ minDeadShare: 0.1 }))
    if (kind < 98) return void (await store.mark())
    await store.verify({ bytesPerSecond: 2 ** 30 })
  }

  async #record(store: Blocks): Promise<void> {
    const key = `record ${whole(5)}`
    const kind = whole(4)
    if (kind === 0) return void (await store.unverified.delete(key))
    const values = this.records.get(key) ?? []
    this.records.set(key, values)
    if (kind === 1) {
      const found = await store.unverified.get(key)
      assert.ok(
        found === undefined || values.some((value) => Buffer.compare(value, found) === 0),
        'a value never put',
      )
      return
    }
    this.#made += 1
    const value = numbered(this.#made, 4 + whole(2000)).bytes
    values.push(value)
    await store.unverified.put(key, value)
  }

  async #add(store: Blocks): Promise<void> {
    using lease = store.lease()
    const blocks: Block[] = []
    for (let count = whole(6); count >= 0; count -= 1) {
      // Leaves only: what lies below an old list may have been collected.
      const again = whole(4) === 0 ? this.#leaves[whole(this.#leaves.length)] : undefined
      const block = again ?? this.#block(this.#leaves)
      if (again !== undefined && whole(2) === 0) {
        if (!(await lease.hold(block.cid))) await lease.put(block.cid, block.bytes)
      } else await lease.put(block.cid, block.bytes)
      blocks.push(block)
    }
    const root = listOf(
      blocks.map(({ cid }) => cid),
      whole(65_536),
    )
    await lease.put(root.cid, root.bytes)
    this.blocks.push(root)
    await lease.flush()
    this.claims.set(root.cid.toString(), { root, blocks })
  }
}

/** Refusals that a caller of a store with faults has to expect. */
const expected = new Set([
  'BLOCKS_FULL',
  'BLOCKS_IO',
  'BLOCKS_SYNC_FAILED',
  'BLOCKS_CLOSED',
  'BLOCKS_MARK_INCOMPLETE',
])
