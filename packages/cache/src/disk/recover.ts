/** What an opening finds in the store. */
import { BlocksError } from '@ipfs-kit/blocks'
import { type Entries, Entry } from './entries.ts'
import type { ReadHead } from './head.ts'
import type { Records } from './records.ts'
import type { Leftover } from './removals.ts'
import { spread } from './spread.ts'

/** What was found and is no value. */
export interface Recovered {
  readonly leftovers: readonly Leftover[]
  /** Heads that lack parts. */
  readonly incomplete: number
  /** Keys whose heads cannot be read now. */
  readonly unreadable: readonly string[]
}

/** Heads that are read at once. */
const atOnce = 32

/**
 * Reads all heads, and lets the keys have their values that are whole.
 *
 * @throws BlocksError BLOCKS_IO if the store cannot list its records; a head that cannot be read is passed over
 */
export async function recover(records: Records, entries: Entries): Promise<Recovered> {
  const keys: string[] = []
  const parts = new Map<string, number[]>()
  await records.list((name) => {
    if (name.kind === 'head') {
      keys.push(name.key)
      return
    }
    const numbers = parts.get(name.generation)
    if (numbers === undefined) parts.set(name.generation, [name.part])
    else numbers.push(name.part)
  })
  let incomplete = 0
  const found: { readonly entry: Entry; readonly mediaType: string }[] = []
  const leftovers: Leftover[] = []
  const unreadable: string[] = []
  const look = async (key: string): Promise<void> => {
    const head = await readHead(records, key)
    if (head === isUnreadable) {
      unreadable.push(key)
      return
    }
    const entry = head === undefined ? undefined : new Entry(key, head)
    const generation = head?.generation ?? ''
    const isWhole = entry !== undefined && entry.parts === (parts.get(generation)?.length ?? 0)
    if (isWhole) found.push({ entry, mediaType: head!.mediaType })
    else {
      incomplete += 1
      leftovers.push({ key, generation, parts: parts.get(generation) ?? [] })
    }
    parts.delete(generation)
  }
  await spread(keys, atOnce, look)
  for (const [generation, numbers] of parts) leftovers.push({ generation, parts: numbers })
  found.sort((left, right) => left.entry.storedAt - right.entry.storedAt)
  entries.fill(found)
  return { leftovers, incomplete, unreadable }
}

const isUnreadable = Symbol('unreadable')

async function readHead(records: Records, key: string): Promise<ReadHead | undefined | typeof isUnreadable> {
  try {
    return await records.head(key)
  } catch (error) {
    // The disk cannot read it now. Its parts go; should it be read another time, it lacks them.
    if (error instanceof BlocksError && error.code === 'BLOCKS_IO') return isUnreadable
    throw error
  }
}
