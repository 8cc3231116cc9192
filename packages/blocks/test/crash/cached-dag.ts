/** Content that is put without a lease, so that it lies in cache packs. */
import assert from 'node:assert/strict'
import type { Blocks } from '../../src/blocks.ts'
import { type Block, listOf, numbered } from './made-blocks.ts'

/** A root over lists of leaves. */
export interface Dag {
  readonly root: Block
  readonly blocks: readonly Block[]
}

/** A DAG of 15 blocks, the root last. Its leaves have the numbers from `first` on. */
export function dagOf(first: number, leafBytes = 3000): Dag {
  const lists: Block[] = []
  const leaves: Block[] = []
  for (let list = 0; list < 3; list += 1) {
    const own = [0, 1, 2, 3].slice(list % 2).map((at) => numbered(first + list * 4 + at, leafBytes))
    leaves.push(...own)
    lists.push(
      listOf(
        own.map(({ cid }) => cid),
        list,
      ),
    )
  }
  const root = listOf(
    lists.map(({ cid }) => cid),
    first,
  )
  return { root, blocks: [...leaves, ...lists, root] }
}

export async function putAll(store: Blocks, blocks: readonly Block[]): Promise<void> {
  for (const { cid, bytes } of blocks) await store.put(cid, bytes)
}

/** Puts blocks that nobody keeps: `count` of them, with numbers from `first` on. */
export async function flood(store: Blocks, first: number, count: number, bytes = 4000): Promise<void> {
  for (let number = first; number < first + count; number += 1) {
    const block = numbered(number, bytes)
    await store.put(block.cid, block.bytes)
  }
}

/** All blocks are here, and right. */
export async function checkAll(store: Blocks, blocks: readonly Block[]): Promise<void> {
  for (const { cid, bytes } of blocks) {
    const found = await store.get(cid)
    if (found === undefined) assert.fail(`${cid} is gone`)
    if (Buffer.compare(found, bytes) !== 0) assert.fail(`${cid} is wrong`)
  }
}

/** Which blocks are here. */
export async function hereOf(store: Blocks, blocks: readonly Block[]): Promise<Block[]> {
  const here: Block[] = []
  for (const block of blocks) if (await store.has(block.cid)) here.push(block)
  return here
}
