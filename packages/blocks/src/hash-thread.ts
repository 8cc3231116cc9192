/** What the threads of {@link file://./hash-threads.ts} run. */
import { transfer, type Transfer } from '@ipfs-kit/concurrency/transfer'
import { hash } from 'node:crypto'
import type { Hashed, HashName } from './hash-threads.ts'

/** The digest of bytes in shared memory. */
export function hashShared(name: HashName, bytes: Uint8Array): Uint8Array {
  return hash(name, bytes, 'buffer')
}

/** The digest of bytes whose memory was moved here, and that memory back. */
export function hashMoved(name: HashName, bytes: Uint8Array<ArrayBuffer>): Transfer<Hashed> {
  return transfer({ digest: hash(name, bytes, 'buffer'), bytes }, [bytes.buffer])
}
