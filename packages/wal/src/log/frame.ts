/**
 * A frame: the records of all who waited, under one checksum. See FORMAT.md.
 *
 * | at | bytes | |
 * | --- | --- | --- |
 * | 0 | 4 | CRC-32 of all that follows |
 * | 4 | 4 | bytes of the frame, without padding |
 * | 8 | 4 | offset of the frame in the file |
 * | 12 | 4 | number of records |
 * | 16 | 8 | id of the segment |
 * | 24 | 8 | LSN of the first record |
 * | 32 | 4 each | bytes of each record |
 * | | | the records |
 */
import { crc32 } from 'node:zlib'

export const frameHeaderBytes = 32
/** What a record needs besides its bytes. */
export const recordHeaderBytes = 4
/** Frames begin at multiples of it. */
export const frameAlignment = 8

/** Where a frame stands. */
export interface FrameSite {
  readonly segmentId: bigint
  readonly offset: number
  readonly firstLsn: number
}

/** A frame that was read and checked. */
export interface Frame {
  readonly offset: number
  readonly firstLsn: number
  readonly count: number
  /** With its padding. */
  readonly end: number
  /** All of it without its padding. */
  readonly bytes: Buffer
}

/** Where the frame that follows begins. */
export function alignedEnd(end: number): number {
  return Math.ceil(end / frameAlignment) * frameAlignment
}

/** Puts a frame into memory that has room for it and its padding; gives the piece that it takes. */
export function writeFrame(
  into: Buffer,
  batch: readonly { readonly payloads: readonly Uint8Array[] }[],
  count: number,
  { segmentId, offset, firstLsn }: FrameSite,
): Buffer {
  let lengthAt = frameHeaderBytes
  let at = frameHeaderBytes + count * recordHeaderBytes
  for (const { payloads } of batch) {
    for (const payload of payloads) {
      into.writeUInt32LE(payload.length, lengthAt)
      into.set(payload, at)
      lengthAt += recordHeaderBytes
      at += payload.length
    }
  }
  into.writeUInt32LE(at, 4)
  into.writeUInt32LE(offset, 8)
  into.writeUInt32LE(count, 12)
  into.writeBigUInt64LE(segmentId, 16)
  into.writeBigUInt64LE(BigInt(firstLsn), 24)
  into.writeUInt32LE(crc32(into.subarray(4, at)), 0)
  const end = alignedEnd(at)
  into.fill(0, at, end)
  return into.subarray(0, end)
}

/**
 * How long a frame is whose first bytes are given, of which there have to be {@link frameHeaderBytes}; `undefined` if there is no
 * frame of this segment at this place.
 */
export function frameLength(
  head: Buffer,
  at: number,
  offset: number,
  segmentId: bigint,
  size: number,
): number | undefined {
  // What costs least first: a scan asks this at every eighth byte.
  if (head.readUInt32LE(at + 8) !== offset) return undefined
  if (head.readBigUInt64LE(at + 16) !== segmentId) return undefined
  const length = head.readUInt32LE(at + 4)
  const count = head.readUInt32LE(at + 12)
  const isPossible = count > 0 && length >= frameHeaderBytes + count * recordHeaderBytes
  return isPossible && offset + length <= size ? length : undefined
}

/** The number of records of a frame, by what its head says. */
export function recordCount(head: Buffer): number {
  return head.readUInt32LE(12)
}

/** The LSN behind the records of a frame, by what its head says. */
export function lsnBehind(head: Buffer): number {
  return Number(head.readBigUInt64LE(24)) + recordCount(head)
}

/** Bytes of the first so many records of a frame, without their lengths, by what these say. */
export function bytesOfRecords(bytes: Buffer, count: number): number {
  let total = 0
  for (let nth = 0; nth < count; nth += 1) total += recordLength(bytes, nth)
  return total
}

/** The frame that these bytes are, none more; `undefined` if they are not whole. */
export function parseFrame(bytes: Buffer, offset: number): Frame | undefined {
  if (crc32(bytes.subarray(4)) !== bytes.readUInt32LE(0)) return undefined
  const count = recordCount(bytes)
  const firstLsn = Number(bytes.readBigUInt64LE(24))
  if (!Number.isSafeInteger(firstLsn + count)) return undefined
  const total = frameHeaderBytes + count * recordHeaderBytes + bytesOfRecords(bytes, count)
  if (total !== bytes.length) return undefined
  return { offset, firstLsn, count, end: alignedEnd(offset + bytes.length), bytes }
}

/** Bytes of the nth record of a frame, 0 for the first. */
export function recordLength(bytes: Buffer, nth: number): number {
  return bytes.readUInt32LE(frameHeaderBytes + nth * recordHeaderBytes)
}
