/** A world around a store on a simulated disk: callers that do what a node does, crashes, and what must hold afterwards. */
import { createHash } from 'node:crypto'
import assert from 'node:assert/strict'
import { random, taskGroup } from '@ipfs-kit/concurrency'
import type { SimDisk } from '@ipfs-kit/disk'
import { CID } from 'multiformats/cid'
import { create as createDigest } from 'multiformats/hashes/digest'
import type { Blocks } from '../../src/blocks.ts'
import { openWith, type BlocksOptions } from '../../src/open-blocks.ts'
import { createTagger } from '../../src/tags.ts'

const rawCode = 0x55
/** Codec of the interior blocks here: their payload is a list of CIDs. */
export const listCode = 0x300_001

/** A block of the world. */
export interface Block {
  readonly cid: CID
  readonly bytes: Uint8Array
}

export function blockOf(bytes: Uint8Array, code = rawCode): Block {
  return { cid: CID.createV1(code, createDigest(0x12, createHash('sha256').update(bytes).digest())), bytes }
}

/** An interior block. Its first bytes make it unlike others with the same links. */
export function listOf(cids: readonly CID[], nonce: number): Block {
  const parts = cids.map((cid) => Buffer.concat([Buffer.from([cid.bytes.length]), cid.bytes]))
  return blockOf(Buffer.concat([Buffer.from([nonce & 255, nonce >> 8]), ...parts]), listCode)
}

export function linksOf(_cid: CID, bytes: Uint8Array): CID[] {
  const cids: CID[] = []
  for (let at = 2; at < bytes.length; at += 1 + bytes[at]!) {
    cids.push(CID.decode(bytes.subarray(at + 1, at + 1 + bytes[at]!)))
  }
  return cids
}

export function whole(limit: number): number {
  return Math.floor(random() * limit)
}

/** What is claimed: it survives every crash, as a record that was synced does. */
export class World {
  readonly claims = new Map<string, { readonly root: Block; readonly blocks: readonly Block[] }>()
  /** Every block that was ever made. */
  readonly blocks: Block[] = []
  /** Those of adds, and those that nobody claims. */
  readonly leaves: Block[] = []
  readonly loose: Block[] = []
  #made = 0

  /** Opens the store on a disk, with chances that the scheduler's seed decides. */
  async open(disk: SimDisk, options: Partial<BlocksOptions> = {}): Promise<Blocks> {
    return openWith(
      {
        path: '/store',
        disk,
        maxBytes: 1_600_000,
        packBytes: 65_536,
        minFreeBytes: 0,
        claims: () => [...this.claims.values()].map(({ root }) => ({ cid: root.cid })),
        links: linksOf,
        ...options,
      },
      { makeTagger: createTagger, randomBytes: (bytes) => Buffer.from(Array.from({ length: bytes }, () => whole(256))) },
    )
  }

  block(among: Block[]): Block {
    this.#made += 1
    const bytes = Buffer.alloc(whole(4) === 0 ? whole(6000) : whole(400), this.#made & 255)
    if (bytes.length >= 4) bytes.writeUInt32LE(this.#made, 0)
    const block = blockOf(bytes)
    this.blocks.push(block)
    among.push(block)
    return block
  }

  some(): Block | undefined {
    return this.blocks[whole(this.blocks.length)]
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

  /** What must hold of a store that was just opened. */
  async check(store: Blocks): Promise<void> {
    for (const { root, blocks } of this.claims.values()) {
      for (const { cid, bytes } of [root, ...blocks]) {
        assert.ok(await store.has(cid), `claimed block ${cid} is gone`)
        assert.deepEqual(toHex(await store.get(cid)), toHex(bytes), `claimed block ${cid} of ${root.cid} is lost`)
      }
    }
    await this.checkAll(store)
  }

  /** Nothing wrong is answered, and what is counted is there. */
  async checkAll(store: Blocks): Promise<void> {
    for (const { cid, bytes } of this.blocks) {
      const found = await store.get(cid)
      if (found !== undefined) assert.equal(toHex(found), toHex(bytes))
    }
    const { packBytes, maxBytes } = store.stats()
    assert.ok(packBytes <= maxBytes, `${packBytes} bytes in packs, and at most ${maxBytes} are allowed`)
  }

  async #step(store: Blocks): Promise<void> {
    const kind = whole(100)
    if (kind < 35) return this.#add(store)
    if (kind < 60) {
      const { cid, bytes } = whole(3) === 0 ? (this.some() ?? this.block(this.loose)) : this.block(this.loose)
      return store.put(cid, bytes)
    }
    const some = this.some()
    if (kind < 80) {
      if (some === undefined) return
      const found = await store.get(some.cid)
      if (found !== undefined) assert.equal(toHex(found), toHex(some.bytes))
      return
    }
    if (kind < 86) {
      const [key] = [...this.claims.keys()].slice(whole(this.claims.size))
      if (key !== undefined) this.claims.delete(key)
      return
    }
    if (kind < 90) {
      // Only what no add may be about to claim: a delete does not ask for claims.
      const loose = this.loose[whole(this.loose.length)]
      if (loose !== undefined) await store.delete(loose.cid)
      return
    }
    if (kind < 93) return void (await store.collect())
    if (kind < 96) return void (await store.compact({ minDeadShare: 0.1 }))
    if (kind < 98) return void (await store.mark())
    await store.verify({ bytesPerSecond: 2 ** 30 })
  }

  async #add(store: Blocks): Promise<void> {
    using lease = store.lease()
    const blocks: Block[] = []
    for (let count = whole(6); count >= 0; count -= 1) {
      // Leaves only: what lies below an old list may have been collected.
      const again = whole(4) === 0 ? this.leaves[whole(this.leaves.length)] : undefined
      const block = again ?? this.block(this.leaves)
      if (again !== undefined && whole(2) === 0) {
        if (!(await lease.hold(block.cid))) await lease.put(block.cid, block.bytes)
      } else await lease.put(block.cid, block.bytes)
      blocks.push(block)
    }
    const root = listOf(blocks.map(({ cid }) => cid), whole(65_536))
    await lease.put(root.cid, root.bytes)
    this.blocks.push(root)
    await lease.flush()
    this.claims.set(root.cid.toString(), { root, blocks })
  }
}

/** Refusals that a caller of a store with faults has to expect. */
const expected = new Set(['BLOCKS_FULL', 'BLOCKS_IO', 'BLOCKS_SYNC_FAILED', 'BLOCKS_CLOSED'])

function toHex(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('hex')
}
