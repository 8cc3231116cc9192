/** Reads a snapshot, and tells what is not as it was written. */
import type { Disk, DiskFile } from '@ipfs-kit/disk'
import { diskFailure } from '../disk-failure.ts'
import { WalError } from '../errors.ts'
import { createFileWindow } from '../log/file-window.ts'
import { frameHeaderBytes, frameLength, parseFrame, recordHeaderBytes, recordLength } from '../log/frame.ts'
import type { IndexPart } from './operation-index.ts'
import { parseSnapshotHead, type SnapshotHead, snapshotHeadBytes, snapshotName } from './snapshot.ts'

/** What there is of a snapshot. */
export type FoundSnapshot =
  | { readonly state: 'none' }
  /** Its head is not whole, and so nothing of it is known. */
  | { readonly state: 'damaged'; readonly bytes: number }
  | { readonly state: 'found'; readonly bytes: number; readonly head: SnapshotHead }

/** Looks at the head alone. @throws WalError WAL_FORMAT_TOO_NEW, WAL_IO */
export async function findSnapshot(disk: Disk, folder: string): Promise<FoundSnapshot> {
  const path = `${folder}/${snapshotName}`
  try {
    if ((await disk.stat(path)) === undefined) return { state: 'none' }
    const file = await disk.open(path, 'read')
    try {
      const bytes = await file.size()
      const memory = Buffer.alloc(snapshotHeadBytes)
      const head = parseSnapshotHead(memory.subarray(0, await file.read(memory, 0)))
      return head === undefined ? { state: 'damaged', bytes } : { state: 'found', bytes, head }
    } finally {
      await file.close()
    }
  } catch (cause) {
    throw diskFailure(cause, 'read the snapshot')
  }
}

/**
 * The parts of a snapshot, each checked before it is given.
 *
 * @throws WalError WAL_CORRUPT where it is not as it was written, or ends too early; WAL_IO
 */
export async function* readSnapshot(
  disk: Disk,
  folder: string,
  head: SnapshotHead,
): AsyncGenerator<IndexPart, void, undefined> {
  let file: DiskFile
  try {
    file = await disk.open(`${folder}/${snapshotName}`, 'read')
  } catch (cause) {
    throw diskFailure(cause, 'read the snapshot')
  }
  try {
    const size = await file.size()
    const window = createFileWindow(file, { size, reuse: true })
    const counts = { config: 0, operations: 0, keys: 0, waits: 0 }
    let at = snapshotHeadBytes
    for (let nth = 1; ; nth += 1) {
      const found = await readFrame(window, at, size, head.id)
      if (found === undefined || found.nth !== nth) throw corrupt(at)
      at = found.end
      const { part } = found
      if (part === undefined) break
      counts[part.kind] += part.count
      yield part
    }
    const isWhole = (['config', 'operations', 'keys', 'waits'] as const).every(
      (kind) => counts[kind] === head[kind],
    )
    if (at !== size || !isWhole) throw corrupt(at)
  } catch (cause) {
    throw diskFailure(cause, 'read the snapshot')
  } finally {
    await file.close()
  }
}

/** A frame: a part, or the end. */
interface FoundFrame {
  readonly nth: number
  readonly end: number
  readonly part: IndexPart | undefined
}

async function readFrame(
  window: ReturnType<typeof createFileWindow>,
  at: number,
  size: number,
  id: bigint,
): Promise<FoundFrame | undefined> {
  const start = await window.bytes(at, frameHeaderBytes)
  if (start.length < frameHeaderBytes) return undefined
  // Its offset is kept in 4 bytes.
  const length = frameLength(start, 0, at % 2 ** 32, id, Infinity)
  if (length === undefined || at + length > size) return undefined
  const bytes = await window.bytes(at, length)
  const frame = bytes.length === length ? parseFrame(bytes, at) : undefined
  if (frame === undefined) return undefined
  const part = partOf(frame.bytes, frame.count)
  const padding = await window.bytes(at + length, frame.end - at - length)
  const isPadded = padding.length === frame.end - at - length && padding.every((byte) => byte === 0)
  return isPadded ? { nth: frame.firstLsn, end: frame.end, part } : undefined
}

/** What a frame has: a copy, since its memory is used again. */
function partOf(bytes: Buffer, count: number): IndexPart | undefined {
  const begin = frameHeaderBytes + count * recordHeaderBytes
  const middle = begin + recordLength(bytes, 0)
  const { kind, count: entries } = JSON.parse(bytes.toString('utf8', begin, middle)) as {
    kind: IndexPart['kind'] | 'end'
    count: number
  }
  if (kind === 'end') return undefined
  return { kind, count: entries, json: Buffer.from(bytes.subarray(middle)) }
}

function corrupt(at: number): WalError {
  return new WalError('WAL_CORRUPT', `The snapshot is damaged at byte ${at}`)
}
