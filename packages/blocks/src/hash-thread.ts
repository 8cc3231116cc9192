/** What the threads of {@link file://./hash-threads.ts} run. */
import { transfer, type Transfer } from '@ipfs-kit/concurrency/thread'
import { hash } from 'node:crypto'
import type { HashName } from './hash-threads.ts'

/** The digest of bytes; of memory that is not shared the bytes come back with it. */
export function hashHere(
  name: HashName,
  bytes: Uint8Array,
): Uint8Array | Transfer<{ readonly digest: Uint8Array; readonly bytes: Uint8Array }> {
  const digest: Uint8Array = hash(name, bytes, 'buffer')
  return bytes.buffer instanceof ArrayBuffer ? transfer({ digest, bytes }, [bytes.buffer]) : digest
}
