/** A store whose index is behind its log, as the one in SQLite is, by chance and up to so many milliseconds. */
import { createEvent, createOwner, random, sleep, type Event, type Owner } from '@ipfs-kit/concurrency'
import type { Disk } from '@ipfs-kit/disk'
import { openLog, type Batch, type Log, type Wal, type WalOptions } from '@ipfs-kit/wal'
import { createMemoryIndex } from '../../src/store/memory-index.ts'
import { openOver } from '../../src/wal/open-wal.ts'
import type { OperationIndex, Retention } from '../../src/store/operation-index.ts'
import type { OperationStore } from '../../src/store/operation-store.ts'
import { encodeRecord, type WalRecord } from '../../src/store/record.ts'
import { checkWalOptions } from '../../src/wal/wal-options.ts'
import { wallClock } from '../wal-on.ts'

/**
 * Opens logs of operations over such a store.
 *
 * @param retention - what is taken away by chance between two batches
 */
export function openLagging(lagMs: number, retention?: Retention) {
  return async (options: Partial<WalOptions> & Pick<WalOptions, 'types'>, disk: Disk): Promise<Wal> => {
    const { segmentBytes = 262_144 } = options
    const given = { path: '/log', clock: wallClock, ...options }
    const checked = checkWalOptions(given)
    const owner = createOwner({ name: 'lagging index' })
    const memory = createMemoryIndex()
    const lag = new Lag(memory, owner, lagMs, retention)
    let log: Log
    try {
      log = await openLog({ path: '/log', disk, segmentBytes, onBatch: (batch) => lag.apply(batch) })
      for await (const batch of log.read()) memory.apply(batch)
    } catch (error) {
      await owner.close()
      throw error
    }
    const store: OperationStore = {
      epoch: memory.epoch + 1,
      log,
      index: lag.index,
      findings: [],
      checkpoint: notHere,
      rebuildIndex: notHere,
      verify: notHere,
      stats: () => ({ checkpoints: 0, checkpointFailure: undefined, slowed: 0 }),
      append: (records: readonly WalRecord[], rest) => log.appendMany(records.map(encodeRecord), rest),
      async close() {
        await owner.close()
        await log.close()
      },
      [Symbol.asyncDispose]: () => store.close(),
    }
    try {
      await store.append([{ kind: 'open', at: wallClock(), epoch: store.epoch }])
    } catch (error) {
      await store.close().catch(() => undefined)
      throw error
    }
    return openOver(store, given, checked)
  }
}

async function notHere(): Promise<never> {
  throw new Error('This store has an index that is behind, and nothing else')
}

class Lag {
  /** The index in memory, but for when it applies what it is given. */
  readonly index: OperationIndex
  readonly #memory: OperationIndex
  readonly #owner: Owner
  readonly #lagMs: number
  readonly #retention: Retention | undefined
  readonly #queue: Batch[] = []
  #isApplying = false
  #progress: Event = createEvent()

  constructor(memory: OperationIndex, owner: Owner, lagMs: number, retention: Retention | undefined) {
    this.#memory = memory
    this.#owner = owner
    this.#lagMs = lagMs
    this.#retention = retention
    this.index = new Proxy(memory, {
      get: (target, name) => {
        if (name === 'applied') return (lsn: number) => this.applied(lsn)
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? (value as () => unknown).bind(target) : value
      },
      set: (target, name, value) => Reflect.set(target, name, value, target),
    })
  }

  apply({ firstLsn, payloads }: Batch): void {
    this.#queue.push({ firstLsn, payloads: payloads.map((payload) => Uint8Array.from(payload)) })
    if (this.#isApplying) return
    this.#isApplying = true
    this.#owner.spawn(() => this.#run())
  }

  async applied(lsn: number): Promise<void> {
    while (this.#memory.appliedLsn < lsn) await this.#progress.wait()
  }

  async #run(): Promise<void> {
    for (let batch = this.#queue.shift(); batch !== undefined; batch = this.#queue.shift()) {
      await sleep(random() * this.#lagMs)
      if (this.#retention !== undefined && random() < 0.5) await this.#memory.retain(this.#retention)
      this.#memory.apply(batch)
      this.#progress.set()
      this.#progress = createEvent()
    }
    this.#isApplying = false
  }
}
