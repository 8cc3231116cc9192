/**
 * The head of a pack file: which pack it is, and the salt without which no frame of it can be told from other bytes. So
 * it is there twice: a damaged byte in one half leaves the other.
 *
 * | at | bytes | |
 * | --- | --- | --- |
 * | 0 | 8 | `IPFSPACK` |
 * | 8 | 2 | version: 1 |
 * | 10 | 1 | stream: 1 kept, 2 cache |
 * | 11 | 1 | 0 |
 * | 12 | 4 | number of the pack |
 * | 16 | 4 | salt |
 * | 20 | 8 | id of the store |
 * | 28 | 4 | CRC-32 of bytes 0 to 28 |
 * | 32 | 32 | the same again |
 *
 * All numbers are little-endian. Later versions keep magic, version and CRC in their places, so that the CRC vouches for
 * the version of any file: one with another version and a CRC that fits is newer, one whose CRC does not fit is damaged.
 */
import { crc32 } from 'node:zlib'
import type { Stream } from './blocks.ts'
import { BlocksError } from './errors.ts'

/** Frames begin here. */
export const packHeaderBytes = 64
export const storeIdBytes = 8
/** The number of a pack has 32 bits. */
export const maxPackId = 2 ** 32 - 1

const halfBytes = 32
const magic = 'IPFSPACK'
const version = 1
const streams: readonly Stream[] = ['kept', 'cache']

/** What a pack is. */
export interface PackHeader {
  readonly stream: Stream
  /** 1 to {@link maxPackId}. */
  readonly id: number
  /** Unsigned, 32 bits. */
  readonly salt: number
  /** 8 bytes; {@link storeIdOf}. */
  readonly storeId: Uint8Array
}

/** @throws RangeError for a number or a store id that does not fit */
export function encodePackHeader(header: PackHeader): Buffer {
  if (!Number.isSafeInteger(header.id) || header.id < 1 || header.id > maxPackId) {
    throw new RangeError(`The number of a pack is 1 to ${maxPackId}, not ${header.id}`)
  }
  if (header.storeId.length !== storeIdBytes) throw new RangeError(`A store id has ${storeIdBytes} bytes`)
  const bytes = Buffer.alloc(packHeaderBytes)
  bytes.write(magic, 0, 'latin1')
  bytes.writeUInt16LE(version, 8)
  bytes[10] = streams.indexOf(header.stream) + 1
  bytes.writeUInt32LE(header.id, 12)
  bytes.writeUInt32LE(header.salt, 16)
  bytes.set(header.storeId, 20)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, halfBytes - 4)), halfBytes - 4)
  bytes.copyWithin(halfBytes, 0, halfBytes)
  return bytes
}

/**
 * The header at the beginning of some bytes of a pack; `undefined` if both halves are damaged, or they are not all there: then nothing
 * else is in the file.
 *
 * @throws BlocksError BLOCKS_FORMAT_TOO_NEW, naming path and version
 */
export function decodePackHeader(bytes: Buffer, path: string): PackHeader | undefined {
  if (bytes.length < packHeaderBytes) return undefined
  const first = decodeHalf(bytes.subarray(0, halfBytes), path)
  return first ?? decodeHalf(bytes.subarray(halfBytes, packHeaderBytes), path)
}

function decodeHalf(half: Buffer, path: string): PackHeader | undefined {
  if (half.toString('latin1', 0, 8) !== magic) return undefined
  if (crc32(half.subarray(0, halfBytes - 4)) !== half.readUInt32LE(halfBytes - 4)) return undefined
  const found = half.readUInt16LE(8)
  if (found > version) {
    throw new BlocksError(
      'BLOCKS_FORMAT_TOO_NEW',
      `${path} is a pack of version ${found}; this is version ${version}`,
    )
  }
  const stream = streams[half[10]! - 1]
  const id = half.readUInt32LE(12)
  if (found !== version || stream === undefined || id === 0) return undefined
  return { stream, id, salt: half.readUInt32LE(16), storeId: Buffer.from(half.subarray(20, 28)) }
}
