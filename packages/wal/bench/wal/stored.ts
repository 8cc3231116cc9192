/** Operations for the rows of the store and its index. */
import type { LoggedOperation } from '../../src/store/operation.ts'
import type { OperationStore } from '../../src/store/operation-store.ts'
import { promised, type WalRecord } from '../../src/store/record.ts'

/** An `add` whose record has about 512 bytes. */
export function addOf(nth: number): Extract<WalRecord, { kind: 'add' }> {
  return {
    kind: 'add',
    type: 'pin',
    params: { cid: `bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55f${nth}`, note: 'x'.repeat(230) },
    backend: 's3',
    priority: nth % 10,
    after: [],
    timeoutMs: 3_600_000,
    maxAttempts: 5,
    onInterrupted: 'retry',
    cids: [],
    createdAt: 1_800_000_000_000 + nth,
  }
}

/** The operation that it makes. */
export function operationOf(id: number): LoggedOperation {
  return promised(id, addOf(id))
}

/** Promises, begins and completes operations, so many at once. */
export async function completeMany(store: OperationStore, operations: number): Promise<void> {
  const { epoch } = store
  for (let done = 0; done < operations; done += 1000) {
    const at = 1_800_000_000_000 + done
    const ids = await store.append(Array.from({ length: 1000 }, (_, nth) => addOf(done + nth)))
    await store.append(ids.map((id) => ({ kind: 'start', at, id, epoch }) as const))
    await store.append(ids.map((id) => ({ kind: 'complete', at, id, result: 'done' }) as const))
  }
}
