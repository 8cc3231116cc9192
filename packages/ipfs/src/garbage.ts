/** Counts the store and collects garbage: a mark from the pins, then a sweep of what neither it nor a lease holds. */
import { type Owner, type Scope, type Task } from '@ipfs-kit/concurrency'
import type { CID } from 'multiformats/cid'
import type { BlockFiles, BlockKey } from './block-files.ts'
import { keyOf } from './block-files.ts'
import type { Calls } from './calls.ts'
import { IpfsError } from './errors.ts'
import type { GcResult, Repo } from './ipfs.ts'
import type { PinRecords } from './pins.ts'
import type { Retention } from './retention.ts'
import { walkDag, type WalkSource } from './walk.ts'

const sweepConcurrency = 16

/** The store as a whole. */
export function createRepo(parts: {
  readonly records: PinRecords
  readonly blocks: BlockFiles
  readonly retention: Retention
  readonly calls: Calls
  /** Whose tasks the collections are. */
  readonly owner: Owner
}): Repo {
  const { records, blocks, retention, calls, owner } = parts
  let running: Collection | undefined

  return {
    stat: (options) =>
      calls.run(options, async (signal) => {
        let count = 0
        let bytes = 0
        for await (const block of blocks.list()) {
          signal.throwIfAborted()
          count += 1
          bytes += block.size
        }
        return { blocks: count, bytes, pins: records.count() }
      }),
    gc: (options) =>
      calls.run(options, async (signal) => {
        // One that runs already may have passed what was unpinned since: those who come meanwhile share the next one.
        if (running !== undefined) await ended(running, signal)
        running ??= begin()
        return waitFor(running, signal)
      }),
  }

  function begin(): Collection {
    const work = async ({ signal }: Scope): Promise<GcResult> => {
      try {
        return await calls.run({ signal }, collect)
      } finally {
        running = undefined
      }
    }
    return { task: owner.spawn(work, { name: 'garbage collection' }), waiters: 0 }
  }

  function collect(signal: AbortSignal): Promise<GcResult> {
    return retention.collecting(async () => {
      const marked = await mark(signal)
      return sweep(marked, signal)
    })
  }

  /**
   * The keys of all blocks that pins reach; those of pins that are made meanwhile were held by the call that made them.
   * A hole ends it: what lies behind the hole could not be protected.
   */
  async function mark(signal: AbortSignal): Promise<Set<BlockKey>> {
    const marked = new Set<BlockKey>()
    const source: WalkSource = { get: (cid) => blocks.get(cid, signal), check: async () => {} }
    const visited = new Set<BlockKey>()
    for (const pin of records.all()) {
      const shared = pin.depth === Number.POSITIVE_INFINITY ? visited : new Set<BlockKey>()
      try {
        for await (const cid of walkDag(pin.cid, source, { depth: pin.depth, visited: shared, signal })) {
          marked.add(keyOf(cid))
        }
      } catch (cause) {
        if (signal.aborted || !(cause instanceof IpfsError)) throw cause
        throw new IpfsError(
          'IPFS_GC_INCOMPLETE',
          `The pinned DAG ${pin.cid} is not whole: ${cause.message}`,
          { cause },
        )
      }
    }
    return marked
  }

  async function sweep(marked: ReadonlySet<BlockKey>, signal: AbortSignal): Promise<GcResult> {
    const counts = { removedBlocks: 0, removedBytes: 0, keptBlocks: 0 }
    const drop = async (block: { readonly cid: CID; readonly size: number }): Promise<void> => {
      if (await retention.remove(block.cid)) {
        counts.removedBlocks += 1
        counts.removedBytes += block.size
      } else {
        counts.keptBlocks += 1
      }
    }
    let batch: { readonly cid: CID; readonly size: number }[] = []
    for await (const block of blocks.list()) {
      signal.throwIfAborted()
      if (marked.has(keyOf(block.cid))) {
        counts.keptBlocks += 1
        continue
      }
      batch.push(block)
      if (batch.length < sweepConcurrency) continue
      await Promise.all(batch.map(drop))
      batch = []
    }
    await Promise.all(batch.map(drop))
    return counts
  }
}

/** One collection and those who wait for it. */
interface Collection {
  readonly task: Task<GcResult>
  waiters: number
}

/** Waits until a collection is over, whatever became of it. @throws the reason of the signal */
async function ended({ task }: Collection, signal: AbortSignal): Promise<void> {
  try {
    await task.join({ signal })
  } catch (error) {
    // What it failed with is for those who wait for its result.
    if (task.state === 'pending') throw error
  }
}

/** Waits for a collection that may serve others too; the last one to leave stops it. */
async function waitFor(collection: Collection, signal: AbortSignal): Promise<GcResult> {
  collection.waiters += 1
  try {
    return await collection.task.join({ signal })
  } finally {
    collection.waiters -= 1
    if (collection.waiters === 0) collection.task.cancel('Nobody waits for it any more')
  }
}
