/**
 * The footer of a pack: what it holds, sorted by tag, so that opening reads no frames. It is the end of its file.
 *
 * | at | bytes | |
 * | --- | --- | --- |
 * | data end | 16 a frame | rows, {@link PackRows} |
 * | | | the keys in the order of the rows, each behind its length (2 bytes) |
 * | -64 | 8 | `IPFSFOOT` |
 * | -56 | 4 | number of rows |
 * | -52 | 4 | bytes of the keys, lengths included |
 * | -48 | 8 | where the frames end and the rows begin |
 * | -40 | 4 | number of the pack |
 * | -36 | 4 | salt of the pack |
 * | -32 | 8 | id of the store whose seed made the tags |
 * | -24 | 4 | CRC-32 of the rows |
 * | -20 | 4 | CRC-32 of the keys |
 * | -16 | 12 | 0 |
 * | -4 | 4 | CRC-32 of the 60 bytes before |
 *
 * All numbers are little-endian.
 */
import { checkpoint } from '@ipfs-kit/concurrency'
import type { DiskFile } from '@ipfs-kit/disk'
import { crc32 } from 'node:zlib'
import { BlocksError } from './errors.ts'
import { frameAlignment } from './frame.ts'
import { rowsAreSound } from './footer-rows.ts'
import { packHeaderBytes, storeIdBytes } from './pack-header.ts'
import type { PackTable } from './pack-table.ts'

export { PackTable } from './pack-table.ts'

/**
 * Rows sorted by tag, then by offset: four unsigned 32-bit numbers each, `[tag high, tag low, place, payload bytes]`.
 * `place` is `offset / 8` in the low 23 bits and the frame's kind in bits 23 to 25; see place.ts.
 */
export interface PackRows {
  readonly count: number
  readonly numbers: Uint32Array
}

/** A footer that is in its file, without its rows. */
export interface Footer {
  readonly count: number
  /** Where the frames end, and the rows begin. */
  readonly dataEnd: number
  readonly keyBytes: number
  readonly keysCrc: number
  /** 8 bytes. If it is not the store's own, the tags say nothing: make them anew from the keys. */
  readonly storeId: Uint8Array
}

/** Where the numbers of rows are read to. */
export type RowMemory = (numbers: number) => Uint32Array

/** The same memory for all rows that are read, each time over the former ones: touching fresh pages costs more than reading. */
export function createRowMemory(): RowMemory {
  let memory = new Uint32Array(0)
  return (numbers) => {
    if (numbers > memory.length) memory = new Uint32Array(numbers + (numbers >>> 3))
    return memory.subarray(0, numbers)
  }
}

const newMemory: RowMemory = (numbers) => new Uint32Array(numbers)

/** The pack that a footer belongs to. */
export interface FooterOwner {
  readonly id: number
  readonly salt: number
}

const magic = 'IPFSFOOT'
export const trailerBytes = 64
/** A CRC of this takes below a millisecond. */
const crcSliceBytes = 2 * 1024 * 1024
export const rowBytes = 16

/** Bytes that a frame with a key of `keyBytes` takes in the footer. `fixed`: what a footer takes besides. */
export const footerReserveBytes: ((keyBytes: number) => number) & { readonly fixed: number } = Object.assign(
  (keyBytes: number) => rowBytes + 2 + keyBytes,
  { fixed: trailerBytes },
)

/** Bytes of a footer in its file. */
export function footerBytes(footer: Pick<Footer, 'count' | 'keyBytes'>): number {
  return footer.count * rowBytes + footer.keyBytes + trailerBytes
}

/**
 * The footer of a table: `buffers` belong at `dataEnd`, the end of the file. `rows` share their memory. Works in slices of
 * about a millisecond; the table must not change meanwhile.
 */
export async function encodeFooter(
  table: PackTable,
  pack: FooterOwner & { readonly storeId: Uint8Array; readonly dataEnd: number },
): Promise<{ readonly footer: Footer; readonly rows: PackRows; readonly buffers: readonly Buffer[] }> {
  const { rows, keys } = await table.rowsAndKeys()
  const rowsBuffer = bytesOf(rows.numbers)
  const keysCrc = await crcOf(keys)
  const trailer = Buffer.alloc(trailerBytes)
  trailer.write(magic, 0, 'latin1')
  trailer.writeUInt32LE(rows.count, 8)
  trailer.writeUInt32LE(keys.length, 12)
  trailer.writeBigUInt64LE(BigInt(pack.dataEnd), 16)
  trailer.writeUInt32LE(pack.id, 24)
  trailer.writeUInt32LE(pack.salt, 28)
  trailer.set(pack.storeId.subarray(0, storeIdBytes), 32)
  trailer.writeUInt32LE(await crcOf(rowsBuffer), 40)
  trailer.writeUInt32LE(keysCrc, 44)
  trailer.writeUInt32LE(crc32(trailer.subarray(0, trailerBytes - 4)), trailerBytes - 4)
  const footer = {
    count: rows.count,
    dataEnd: pack.dataEnd,
    keyBytes: keys.length,
    keysCrc,
    storeId: pack.storeId,
  }
  return { footer, rows, buffers: [rowsBuffer, keys, trailer] }
}

/** What a trailer says of its pack. */
interface Trailer extends FooterOwner {
  readonly footer: Footer
  readonly rowsCrc: number
}

/** The trailer at the end of a file of `fileBytes`, if there is one whose checksum fits. */
export async function readTrailer(
  file: Pick<DiskFile, 'read' | 'path'>,
  fileBytes: number,
): Promise<Trailer | undefined> {
  if (fileBytes < packHeaderBytes + trailerBytes) return undefined
  const trailer = Buffer.alloc(trailerBytes)
  if ((await file.read(trailer, fileBytes - trailerBytes)) < trailerBytes) return undefined
  if (trailer.toString('latin1', 0, 8) !== magic) return undefined
  if (crc32(trailer.subarray(0, trailerBytes - 4)) !== trailer.readUInt32LE(trailerBytes - 4))
    return undefined
  return {
    id: trailer.readUInt32LE(24),
    salt: trailer.readUInt32LE(28),
    rowsCrc: trailer.readUInt32LE(40),
    footer: {
      count: trailer.readUInt32LE(8),
      dataEnd: Number(trailer.readBigUInt64LE(16)),
      keyBytes: trailer.readUInt32LE(12),
      keysCrc: trailer.readUInt32LE(44),
      storeId: trailer.subarray(32, 32 + storeIdBytes),
    },
  }
}

/**
 * The footer at the end of a file of `fileBytes`, if there is one and all it says can be so: it is of this pack and of a
 * file of this size, its checksums fit, and its rows are sorted and name frames that lie in the data side by side.
 * `undefined` otherwise: then the pack is to be scanned. The keys are not read.
 */
export async function readFooter(
  file: Pick<DiskFile, 'read' | 'path'>,
  fileBytes: number,
  pack: FooterOwner,
  memory: RowMemory = newMemory,
): Promise<{ readonly footer: Footer; readonly rows: PackRows } | undefined> {
  const trailer = await readTrailer(file, fileBytes)
  if (trailer === undefined || trailer.id !== pack.id || trailer.salt !== pack.salt) return undefined
  const { footer, rowsCrc } = trailer
  if (footer.dataEnd < packHeaderBytes || footer.dataEnd % frameAlignment !== 0) return undefined
  if (footer.dataEnd + footerBytes(footer) !== fileBytes || footer.keyBytes < footer.count * 2)
    return undefined
  const rows = await rowsAt(file, footer.dataEnd, footer.count, memory)
  if (rows === undefined || crc32(bytesOf(rows.numbers)) !== rowsCrc) return undefined
  return rowsAreSound(rows, footer.dataEnd) ? { footer, rows } : undefined
}

/**
 * A part of the rows. They are not checked again: who uses them compares the keys of frames.
 *
 * @throws RangeError for rows that there are not
 * @throws BlocksError BLOCKS_IO if the file is shorter than it was
 */
export async function readRows(
  file: Pick<DiskFile, 'read' | 'path'>,
  footer: Footer,
  from: number,
  count: number,
  memory: RowMemory = newMemory,
): Promise<PackRows> {
  if (from < 0 || count < 0 || from + count > footer.count) {
    throw new RangeError(`Rows ${from} to ${from + count} of ${footer.count}`)
  }
  const rows = await rowsAt(file, footer.dataEnd + from * rowBytes, count, memory)
  if (rows === undefined) throw new BlocksError('BLOCKS_IO', `${file.path} is shorter than it was`)
  return rows
}

/** The same, at once. `undefined`: await {@link readRows}. */
export function readRowsNow(
  file: Pick<DiskFile, 'readNow'>,
  footer: Footer,
  from: number,
  count: number,
  memory: RowMemory,
): PackRows | undefined {
  const numbers = memory(count * 4)
  const read = file.readNow(bytesOf(numbers), footer.dataEnd + from * rowBytes)
  return read === count * rowBytes ? { count, numbers } : undefined
}

async function rowsAt(
  file: Pick<DiskFile, 'read' | 'path'>,
  position: number,
  count: number,
  memory: RowMemory,
): Promise<PackRows | undefined> {
  const numbers = memory(count * 4)
  const read = await file.read(bytesOf(numbers), position)
  return read < count * rowBytes ? undefined : { count, numbers }
}

async function crcOf(bytes: Buffer): Promise<number> {
  let crc = 0
  for (let at = 0; at < bytes.length; at += crcSliceBytes) {
    if (at > 0) await checkpoint()
    crc = crc32(bytes.subarray(at, at + crcSliceBytes), crc)
  }
  return crc
}

/** The memory of numbers, as it is in the file: little-endian, as are the machines that Node runs on. */
function bytesOf(numbers: Uint32Array): Buffer {
  return Buffer.from(numbers.buffer as ArrayBuffer, numbers.byteOffset, numbers.byteLength)
}
