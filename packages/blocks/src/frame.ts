/**
 * A frame: one value with its key in a pack file. See FORMAT.md.
 *
 * | at | bytes | |
 * | --- | --- | --- |
 * | 0 | 4 | mark `0x4d415246` ("FRAM") |
 * | 4 | 4 | CRC-32, seeded with the salt of the pack, of bytes 8 to 24 and the key |
 * | 8 | 4 | bytes of the payload |
 * | 12 | 2 | bytes of the key |
 * | 14 | 1 | kind |
 * | 15 | 1 | 1 if there is a CRC of the payload |
 * | 16 | 4 | CRC-32 of the payload, else 0 |
 * | 20 | 4 | `offset / 8` of the frame in its file, XOR the salt of the pack |
 * | 24 | | key, payload, zeros up to a multiple of 8 |
 *
 * All numbers are little-endian.
 */
import { crc32 } from 'node:zlib'

/** What a frame holds. A `gone` frame says that the key's earlier frames of the same stream are deleted. */
export const frameKinds = { block: 1, record: 2, goneBlock: 3, goneRecord: 4 } as const
export type FrameKind = (typeof frameKinds)[keyof typeof frameKinds]

export const frameHeaderBytes = 24
/** Frames begin at multiples of this. */
export const frameAlignment = 8
export const maxKeyBytes = 16_384
/** Keys are seldom longer: those that are cost a second read. */
export const usualKeyBytes = 128

const mark = 0x4d415246

/** The header of a frame. */
export interface FrameHeader {
  readonly kind: FrameKind
  readonly keyBytes: number
  readonly payloadBytes: number
  /** Absent where the key's own hash checks the payload. */
  readonly payloadCrc: number | undefined
}

/**
 * Where a frame is. A copy of it elsewhere, in a payload or another pack, is no frame; and no bytes that somebody puts can
 * be taken for one, since the salt is not known.
 */
export interface FrameSite {
  /** Salt of the pack. */
  readonly salt: number
  /** First byte of the frame in the file. */
  readonly offset: number
}

function siteOf({ salt, offset }: FrameSite): number {
  return (salt ^ (offset / frameAlignment)) >>> 0
}

/** Bytes that a frame takes in its file. */
export function frameBytes(keyBytes: number, payloadBytes: number): number {
  return Math.ceil((frameHeaderBytes + keyBytes + payloadBytes) / frameAlignment) * frameAlignment
}

/** Writes header and key at a position of a buffer; the payload is to follow at `at + 24 + key.length`. */
export function writeFrameHeader(
  into: Buffer,
  at: number,
  frame: {
    readonly kind: FrameKind
    readonly key: Uint8Array
    readonly payloadBytes: number
    readonly payloadCrc?: number | undefined
  },
  pack: FrameSite,
): void {
  into.writeUInt32LE(mark, at)
  into.writeUInt32LE(frame.payloadBytes, at + 8)
  into.writeUInt16LE(frame.key.length, at + 12)
  into[at + 14] = frame.kind
  into[at + 15] = frame.payloadCrc === undefined ? 0 : 1
  into.writeUInt32LE(frame.payloadCrc ?? 0, at + 16)
  into.writeUInt32LE(siteOf(pack), at + 20)
  into.set(frame.key, at + frameHeaderBytes)
  into.writeUInt32LE(
    crc32(into.subarray(at + 8, at + frameHeaderBytes + frame.key.length), pack.salt),
    at + 4,
  )
}

/** Bytes of the key as a header says, which is not checked. */
export function keyBytesAt(header: Buffer): number {
  return header.readUInt16LE(12)
}

/**
 * The header at a position of a buffer; `undefined` when there is no valid one, or the buffer ends before its key does.
 */
export function readFrameHeader(from: Buffer, at: number, pack: FrameSite): FrameHeader | undefined {
  if (at + frameHeaderBytes > from.length || from.readUInt32LE(at) !== mark) return undefined
  if (from.readUInt32LE(at + 20) !== siteOf(pack)) return undefined
  const keyBytes = from.readUInt16LE(at + 12)
  const end = at + frameHeaderBytes + keyBytes
  if (keyBytes > maxKeyBytes || end > from.length) return undefined
  if (crc32(from.subarray(at + 8, end), pack.salt) !== from.readUInt32LE(at + 4)) return undefined
  const kind = from[at + 14] as FrameKind
  if (kind < frameKinds.block || kind > frameKinds.goneRecord) return undefined
  return {
    kind,
    keyBytes,
    payloadBytes: from.readUInt32LE(at + 8),
    payloadCrc: from[at + 15] === 1 ? from.readUInt32LE(at + 16) : undefined,
  }
}
