/**
 * The file of a snapshot: its head, frames as those of the log, and an end. See FORMAT.md.
 *
 * | at | bytes | |
 * | --- | --- | --- |
 * | 0 | 8 | `IPFSSNP` and a zero |
 * | 8 | 4 | version: 2 |
 * | 12 | 4 | 0 |
 * | 16 | 8 | id, random |
 * | 24 | 8 | LSN |
 * | 32 | 8 | epoch |
 * | 40 | 8 | operations |
 * | 48 | 8 | keys |
 * | 56 | 8 | waits |
 * | 64 | 8 | config: 0 or 1 |
 * | 72 | 4 | 0 |
 * | 76 | 4 | CRC-32 of bytes 0 to 76 |
 */
import { crc32 } from 'node:zlib'
import { WalError } from '../errors.ts'
import type { ImageHead } from './operation-index.ts'

export const snapshotHeadBytes = 80
/** The file, in the folder of the log. */
export const snapshotName = 'snapshot'
/** What is to be it. */
export const nextSnapshotName = 'snapshot.next'
const magic = 'IPFSSNP\0'
/** Version 1 had no config, and zeros in its place. */
const version = 2

/** What the head tells. */
export interface SnapshotHead extends ImageHead {
  readonly id: bigint
}

/** The head. */
export function encodeSnapshotHead(told: SnapshotHead): Buffer {
  const { id, lsn, epoch, operations, keys, waits, config } = told
  const head = Buffer.alloc(snapshotHeadBytes)
  head.write(magic, 0, 'latin1')
  head.writeUInt32LE(version, 8)
  head.writeBigUInt64LE(id, 16)
  for (const [at, number] of [lsn, epoch, operations, keys, waits, config].entries()) {
    head.writeBigUInt64LE(BigInt(number), 24 + at * 8)
  }
  head.writeUInt32LE(crc32(head.subarray(0, 76)), 76)
  return head
}

/** What a head tells; `undefined` if it is not whole. @throws WalError WAL_FORMAT_TOO_NEW */
export function parseSnapshotHead(head: Buffer): SnapshotHead | undefined {
  const isWhole =
    head.length >= snapshotHeadBytes &&
    head.toString('latin1', 0, 8) === magic &&
    crc32(head.subarray(0, 76)) === head.readUInt32LE(76)
  if (!isWhole) return undefined
  const found = head.readUInt32LE(8)
  if (found > version) {
    throw new WalError('WAL_FORMAT_TOO_NEW', `The snapshot is of version ${found}; ${version} is known here`)
  }
  const number = (at: number): number => Number(head.readBigUInt64LE(at))
  return {
    id: head.readBigUInt64LE(16),
    lsn: number(24),
    epoch: number(32),
    operations: number(40),
    keys: number(48),
    waits: number(56),
    config: number(64),
  }
}
