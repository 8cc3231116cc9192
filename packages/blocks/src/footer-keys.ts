/** Reads the keys of a footer, piece by piece. */
import type { DiskFile } from '@ipfs-kit/disk'
import { crc32 } from 'node:zlib'
import { BlocksError } from './errors.ts'
import { type Footer, rowBytes } from './footer.ts'
import { maxKeyBytes } from './frame.ts'
import { tryTwice } from './read-around.ts'

/** Holds the longest key many times. */
const windowBytes = 262_144

/** Keys of consecutive rows. */
export interface KeyBatch {
  /** Row of the first key. */
  readonly row: number
  readonly keys: readonly Buffer[]
}

/**
 * Whether the keys in the file can be read and are those that were written; if not, they are to be had from the frames. Reads
 * all of them, 256 KiB at a time.
 */
export async function checkKeys(file: Pick<DiskFile, 'read' | 'path'>, footer: Footer): Promise<boolean> {
  const window = Buffer.allocUnsafe(Math.min(windowBytes, footer.keyBytes))
  let crc = 0
  for (let done = 0; done < footer.keyBytes;) {
    const piece = window.subarray(0, Math.min(window.length, footer.keyBytes - done))
    const read = await tryTwice(() => file.read(piece, keysAt(footer) + done))
    if (read === undefined || read < piece.length) return false
    crc = crc32(piece, crc)
    done += piece.length
  }
  return crc === footer.keysCrc
}

/**
 * The keys in the order of the rows, at most 256 KiB of them at a time. They are checked before the first is yielded.
 *
 * @throws BlocksError BLOCKS_IO if they are not those that were written
 */
export async function* readKeys(
  file: Pick<DiskFile, 'read' | 'path'>,
  footer: Footer,
): AsyncGenerator<KeyBatch, void, undefined> {
  if (!(await checkKeys(file, footer))) throw damaged(file)
  let row = 0
  for (let done = 0; done < footer.keyBytes;) {
    const window = Buffer.allocUnsafeSlow(Math.min(windowBytes, footer.keyBytes - done))
    if ((await file.read(window, keysAt(footer) + done)) < window.length) throw damaged(file)
    const { keys, bytes } = splitKeys(window)
    if (keys.length === 0 || row + keys.length > footer.count) throw damaged(file)
    yield { row, keys }
    row += keys.length
    done += bytes
  }
  if (row !== footer.count) throw damaged(file)
}

/**
 * The keys of `count` rows, from a position among the keys on: 0 for the first row, and then where the keys before ended.
 * They are not checked again, see {@link checkKeys}.
 *
 * @throws BlocksError BLOCKS_IO if there are not so many
 */
export async function readKeysFrom(
  file: Pick<DiskFile, 'read' | 'path'>,
  footer: Footer,
  position: number,
  count: number,
): Promise<{ readonly keys: readonly Buffer[]; readonly end: number }> {
  const keys: Buffer[] = []
  const usualBytes = footer.keyBytes / Math.max(1, footer.count)
  let end = position
  while (keys.length < count) {
    const wanted = Math.ceil((count - keys.length) * usualBytes) + 2 + maxKeyBytes
    const window = Buffer.allocUnsafeSlow(Math.min(windowBytes, footer.keyBytes - end, wanted))
    if ((await file.read(window, keysAt(footer) + end)) < window.length) throw damaged(file)
    const split = splitKeys(window, count - keys.length)
    if (split.keys.length === 0) throw damaged(file)
    keys.push(...split.keys)
    end += split.bytes
  }
  return { keys, end }
}

/** The keys that lie wholly in some bytes, at most so many, and how many bytes they take. */
function splitKeys(
  window: Buffer,
  most = Infinity,
): { readonly keys: readonly Buffer[]; readonly bytes: number } {
  const keys: Buffer[] = []
  let at = 0
  while (keys.length < most && at + 2 <= window.length) {
    const keyBytes = window.readUInt16LE(at)
    if (keyBytes > maxKeyBytes || at + 2 + keyBytes > window.length) break
    keys.push(window.subarray(at + 2, at + 2 + keyBytes))
    at += 2 + keyBytes
  }
  return { keys, bytes: at }
}

function keysAt(footer: Footer): number {
  return footer.dataEnd + footer.count * rowBytes
}

function damaged(file: Pick<DiskFile, 'path'>): BlocksError {
  return new BlocksError('BLOCKS_IO', `The keys in the footer of ${file.path} are damaged: scan the pack`)
}
