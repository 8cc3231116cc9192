/**
 * The file of a segment: its name and its head. See FORMAT.md.
 *
 * | at | bytes | |
 * | --- | --- | --- |
 * | 0 | 8 | `IPFSWAL` and a zero |
 * | 8 | 4 | version: 1 |
 * | 12 | 4 | bytes that the file was made with; 0: it was dropped |
 * | 16 | 8 | id |
 * | 24 | 8 | LSN of the first record |
 * | 32 | 28 | 0 |
 * | 60 | 4 | CRC-32 of bytes 0 to 60 |
 */
import { crc32 } from 'node:zlib'
import { WalError } from '../errors.ts'
import type { Finding } from './log.ts'

export const segmentHeaderBytes = 64
const magic = 'IPFSWAL\0'
const version = 1

/** What the name of a segment tells. */
export interface SegmentName {
  readonly name: string
  readonly id: bigint
  readonly firstLsn: number
}

/** A segment of an open log. What is behind `end` and `lastLsn` is nobody's yet. */
export interface Segment extends SegmentName {
  /** Bytes of the file. */
  size: number
  /** Where the last frame that counts ends. */
  end: number
  /** The last LSN in it; `firstLsn - 1` if there is none. */
  lastLsn: number
  /** What was found in it at opening. */
  readonly findings: readonly Finding[]
}

/** Names a segment. */
export function segmentName(firstLsn: number, id: bigint): SegmentName {
  const name = `${String(firstLsn).padStart(16, '0')}-${id.toString(16).padStart(16, '0')}.wal`
  return { name, id, firstLsn }
}

/** What a name tells; `undefined` if it is not that of a segment. */
export function parseSegmentName(name: string): SegmentName | undefined {
  const [, lsn, id] = /^(\d{16})-([0-9a-f]{16})\.wal$/.exec(name) ?? []
  if (lsn === undefined || id === undefined) return undefined
  const firstLsn = Number(lsn)
  if (!Number.isSafeInteger(firstLsn) || firstLsn === 0) return undefined
  return { name, id: BigInt(`0x${id}`), firstLsn }
}

/** The head of a segment. */
export function encodeSegmentHeader({ id, firstLsn }: SegmentName, size: number): Buffer {
  const head = Buffer.alloc(segmentHeaderBytes)
  head.write(magic, 0, 'latin1')
  head.writeUInt32LE(version, 8)
  head.writeUInt32LE(size, 12)
  head.writeBigUInt64LE(id, 16)
  head.writeBigUInt64LE(BigInt(firstLsn), 24)
  head.writeUInt32LE(crc32(head.subarray(0, segmentHeaderBytes - 4)), segmentHeaderBytes - 4)
  return head
}

/**
 * The bytes that a segment was made with, by its head; `undefined` if that is damaged, or another segment's.
 *
 * @throws WalError WAL_FORMAT_TOO_NEW
 */
export function decodeSegmentHeader(head: Buffer, { name, id, firstLsn }: SegmentName): number | undefined {
  if (head.length < segmentHeaderBytes || head.toString('latin1', 0, 8) !== magic) return undefined
  const crc = head.readUInt32LE(segmentHeaderBytes - 4)
  if (crc32(head.subarray(0, segmentHeaderBytes - 4)) !== crc) return undefined
  const found = head.readUInt32LE(8)
  if (found > version) {
    throw new WalError(
      'WAL_FORMAT_TOO_NEW',
      `${name} is a segment of version ${found}; this is version ${version}`,
    )
  }
  const isOwn = head.readBigUInt64LE(16) === id && head.readBigUInt64LE(24) === BigInt(firstLsn)
  return found === version && isOwn ? head.readUInt32LE(12) : undefined
}
