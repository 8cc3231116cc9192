/** Opens stores of operations with small segments, and ids that are the same in each run. */
import type { Disk } from '@ipfs-kit/disk'
import { openStoreWith } from '../src/store/open-operation-store.ts'
import type { OperationStore } from '../src/store/operation-store.ts'
import type { WalConfig, WalRecord } from '../src/store/record.ts'
import type { OperationStoreOptions } from '../src/store/store-options.ts'
import { folder } from './open-on.ts'

let ids = 1n

export function openStoreOn(
  disk: Disk,
  options: Partial<OperationStoreOptions> = {},
  config?: WalConfig,
): Promise<OperationStore> {
  const given = { path: folder, disk, segmentBytes: 4096, clock: () => 1000, ...options }
  const newId = (): bigint => {
    ids += 1n
    return 0x5eed_5eed_0000_0000n + ids
  }
  return openStoreWith(given, newId, config)
}

/** An operation to promise. */
export function adds(params: Record<string, string | number> = {}, more: Partial<AddRecord> = {}): AddRecord {
  return {
    kind: 'add',
    type: 'pin',
    params,
    priority: 5,
    after: [],
    timeoutMs: 1000,
    maxAttempts: 5,
    onInterrupted: 'retry',
    cids: [],
    createdAt: 1000,
    ...more,
  }
}

type AddRecord = Extract<WalRecord, { kind: 'add' }>

/** Promises an operation, begins it and completes it; its id. */
export async function completeOne(store: OperationStore, at: number, more: Partial<AddRecord> = {}) {
  const [id] = await store.append([adds({ text: 'x'.repeat(100) }, { createdAt: at, ...more })])
  await store.append([
    { kind: 'start', at, id: id!, epoch: store.epoch },
    { kind: 'complete', at, id: id!, result: { at } },
  ])
  return id!
}
