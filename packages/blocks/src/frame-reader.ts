/** Reads the payload of one frame, at once where the disk answers from memory, and says whether it is what it should be. */
import type { DiskFile } from '@ipfs-kit/disk'
import { crc32 } from 'node:zlib'
import {
  frameHeaderBytes,
  type FrameKind,
  keyBytesAt,
  maxKeyBytes,
  readFrameHeader,
  usualKeyBytes,
} from './frame.ts'
import { leastMovedBytes } from './hash-threads.ts'
import type { Pack } from './pack.ts'
import type { PackFolder } from './pack-folder.ts'
import { tryTwice } from './read-around.ts'

/** The frame has another key: two keys share a tag. */
export const otherKey = Symbol('other key')
/** The frame is not what the index says. */
export const damaged = Symbol('damaged')

/** What is at a place: the payload (of a block not yet checked against its key), or why there is none. */
export type FrameContent = Uint8Array | typeof otherKey | typeof damaged

/** A frame by the place that the index has for it. */
export interface Place {
  readonly pack: Pack
  readonly offset: number
  readonly payloadBytes: number
}

/** The payload of a frame, at once if the disk answers at once. @throws DiskError, now or later */
export function readFrame(
  folder: PackFolder,
  place: Place,
  kind: FrameKind,
  key: Uint8Array,
): FrameContent | Promise<FrameContent> {
  const { pack, offset, payloadBytes } = place
  const pending = pack.pending.get(offset)
  // The bytes belong to whoever is putting them: whoever reads gets their own.
  if (pending !== undefined) {
    const { frame } = pending
    return frame.kind === kind && sameBytes(frame.key, key) ? new Uint8Array(frame.payload) : otherKey
  }
  const bytes = memoryFor(frameHeaderBytes + key.length + payloadBytes)
  const read = pack.file?.readNow(bytes, offset)
  if (read === undefined) return readLater(folder, place, kind, key, bytes)
  const content = contentOf(bytes, read, place, kind, key)
  return content === damaged ? readLonger(folder, place, kind, key) : content
}

async function readLater(
  folder: PackFolder,
  place: Place,
  kind: FrameKind,
  key: Uint8Array,
  bytes: Buffer,
): Promise<FrameContent> {
  const { pack, offset } = place
  pack.acquire()
  try {
    const file = await folder.file(pack)
    const content = contentOf(bytes, await file.read(bytes, offset), place, kind, key)
    return content === damaged ? await readLonger(folder, place, kind, key) : content
  } finally {
    pack.release()
  }
}

/** Reads a frame that looks damaged once more: it may be sound, with a key that is longer than the one asked for. */
async function readLonger(
  folder: PackFolder,
  place: Place,
  kind: FrameKind,
  key: Uint8Array,
): Promise<FrameContent> {
  const { pack, offset, payloadBytes } = place
  pack.acquire()
  try {
    const file = await folder.file(pack)
    const bytes = memoryFor(frameHeaderBytes + maxKeyBytes + payloadBytes)
    return contentOf(bytes, await file.read(bytes, offset), place, kind, key)
  } finally {
    pack.release()
  }
}

/** Kind and key of a frame; `undefined` if it is damaged. @throws DiskError */
export async function readKey(
  folder: PackFolder,
  pack: Pack,
  offset: number,
): Promise<{ readonly kind: FrameKind; readonly key: Buffer } | undefined> {
  // The file of a new pack is made by whoever writes its first frame, and by nobody who reads.
  const frame = pack.pending.get(offset)?.frame
  if (frame !== undefined) return { kind: frame.kind, key: Buffer.from(frame.key) }
  pack.acquire()
  try {
    const file = await folder.file(pack)
    for (const keyBytes of [usualKeyBytes, maxKeyBytes]) {
      const { bytes, read } = await readAbout(file, offset, keyBytes, 0)
      const header = readFrameHeader(bytes.subarray(0, read), 0, { salt: pack.salt, offset })
      if (header === undefined) continue
      return { kind: header.kind, key: bytes.subarray(frameHeaderBytes, frameHeaderBytes + header.keyBytes) }
    }
    return undefined
  } finally {
    pack.release()
  }
}

/**
 * The beginning of a file from a frame's offset on, with room for a key of some length and a payload. If the disk fails to read
 * that, just the frame: what lies behind it may be all that cannot be read. @throws DiskError
 */
export async function readAbout(
  file: DiskFile,
  offset: number,
  keyBytes: number,
  payloadBytes: number,
): Promise<{ readonly bytes: Buffer; readonly read: number }> {
  const bytes = Buffer.allocUnsafe(frameHeaderBytes + keyBytes + payloadBytes)
  const into = async (part: Buffer): Promise<number> =>
    file.readNow(part, offset) ?? (await file.read(part, offset))
  const read = await tryTwice(() => into(bytes))
  if (read !== undefined) return { bytes, read }
  await into(bytes.subarray(0, frameHeaderBytes))
  const exact = frameHeaderBytes + Math.min(keyBytes, keyBytesAt(bytes)) + payloadBytes
  return { bytes, read: await into(bytes.subarray(0, exact)) }
}

/** Whether the frame at a place has a key, or is too damaged to tell. Its payload is not read. @throws DiskError */
export async function hasKey(
  folder: PackFolder,
  { pack, offset }: Place,
  kind: FrameKind,
  key: Uint8Array,
): Promise<boolean> {
  const pending = pack.pending.get(offset)
  if (pending !== undefined) return pending.frame.kind === kind && sameBytes(pending.frame.key, key)
  const found = await readKey(folder, pack, offset)
  return found === undefined || (found.kind === kind && sameBytes(found.key, key))
}

function contentOf(
  bytes: Buffer,
  read: number,
  place: Place,
  kind: FrameKind,
  key: Uint8Array,
): FrameContent {
  const { pack, offset, payloadBytes } = place
  const end = frameHeaderBytes + key.length
  const header = readFrameHeader(bytes.subarray(0, read), 0, { salt: pack.salt, offset })
  if (header === undefined || header.payloadBytes !== payloadBytes) return damaged
  if (
    header.kind !== kind ||
    !sameBytes(bytes.subarray(frameHeaderBytes, frameHeaderBytes + header.keyBytes), key)
  )
    return otherKey
  if (read < end + payloadBytes) return damaged
  const payload = bytes.subarray(end, end + payloadBytes)
  return header.payloadCrc === undefined || header.payloadCrc === crc32(payload) ? payload : damaged
}

/** Memory to read into. That of a large value is its own, however large Node's pool may be: it can go to a thread. */
function memoryFor(bytes: number): Buffer {
  return bytes < leastMovedBytes ? Buffer.allocUnsafe(bytes) : Buffer.allocUnsafeSlow(bytes)
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && Buffer.compare(left, right) === 0
}
