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
 * | 15 | 1 | what is at 16: 0 nothing, 1 the payload's CRC, 2 nothing, and a run begins, 3 the CRC of the run that ends here, and one begins |
 * | 16 | 4 | CRC-32, else 0 |
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
/** What the CRC in a header is of. The last two begin a run. */
const sumKinds = { none: 0, payload: 1, begins: 2, ends: 3 } as const

/** A run of frames begins with this one. */
export interface RunMark {
  /** CRC-32, seeded with the salt of the pack, of the run that ends before this frame, if one does. */
  readonly endedCrc: number | undefined
}

/** The mark of a run before which none ends. */
export const beginsRun: RunMark = { endedCrc: undefined }

/** The header of a frame. */
export interface FrameHeader {
  readonly kind: FrameKind
  readonly keyBytes: number
  readonly payloadBytes: number
  /** Absent where the key's own hash checks the payload. */
  readonly payloadCrc: number | undefined
  /** Never beside a CRC of the payload. */
  readonly run: RunMark | undefined
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
    readonly run?: RunMark | undefined
  },
  pack: FrameSite,
): void {
  into.writeUInt32LE(mark, at)
  into.writeUInt32LE(frame.payloadBytes, at + 8)
  into.writeUInt16LE(frame.key.length, at + 12)
  into[at + 14] = frame.kind
  into[at + 15] = sumKindOf(frame)
  into.writeUInt32LE(frame.payloadCrc ?? frame.run?.endedCrc ?? 0, at + 16)
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
  const header = readUnsummedHeader(from, at, pack)
  if (header === undefined) return undefined
  const end = at + frameHeaderBytes + header.keyBytes
  return crc32(from.subarray(at + 8, end), pack.salt) === from.readUInt32LE(at + 4) ? header : undefined
}

/** The same whatever its CRC is: for bytes that another one vouches for. */
export function readUnsummedHeader(from: Buffer, at: number, pack: FrameSite): FrameHeader | undefined {
  if (at + frameHeaderBytes > from.length || from.readUInt32LE(at) !== mark) return undefined
  if (from.readUInt32LE(at + 20) !== siteOf(pack)) return undefined
  const keyBytes = from.readUInt16LE(at + 12)
  if (keyBytes > maxKeyBytes || at + frameHeaderBytes + keyBytes > from.length) return undefined
  const kind = from[at + 14] as FrameKind
  if (kind < frameKinds.block || kind > frameKinds.goneRecord) return undefined
  const sum = from[at + 15]
  return {
    kind,
    keyBytes,
    payloadBytes: from.readUInt32LE(at + 8),
    payloadCrc: sum === sumKinds.payload ? from.readUInt32LE(at + 16) : undefined,
    run:
      sum === sumKinds.begins
        ? beginsRun
        : sum === sumKinds.ends
          ? { endedCrc: from.readUInt32LE(at + 16) }
          : undefined,
  }
}

function sumKindOf({ payloadCrc, run }: Partial<Pick<FrameHeader, 'payloadCrc' | 'run'>>): number {
  if (payloadCrc !== undefined) return sumKinds.payload
  if (run === undefined) return sumKinds.none
  return run.endedCrc === undefined ? sumKinds.begins : sumKinds.ends
}
