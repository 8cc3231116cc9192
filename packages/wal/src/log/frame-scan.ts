/** Goes through the frames of a segment, past what is damaged. */
import { throwIfCancelled } from '@ipfs-kit/concurrency'
import type { FileWindow } from './file-window.ts'
import {
  alignedEnd,
  bytesOfRecords,
  type Frame,
  frameAlignment,
  frameHeaderBytes,
  frameLength,
  lsnBehind,
  parseFrame,
  recordCount,
  recordHeaderBytes,
} from './frame.ts'
import { segmentHeaderBytes, type SegmentName } from './segment.ts'

const searchBytes = 65_536
const zeros = Buffer.alloc(searchBytes)

/** What was passed over before a frame. */
export interface Skipped {
  readonly offset: number
  readonly bytes: number
  /** How many LSNs are missing, from the one that was expected on. */
  readonly lost: number
}

/** A frame that does not count, as its head has it. */
export interface BrokenFrame {
  readonly offset: number
  /** Where it ends, with its padding. */
  readonly end: number
  /** The LSN behind its records. */
  readonly nextLsn: number
  /** Whether the lengths of its records add up to its own. */
  readonly addsUp: boolean
}

/** A way through a segment. */
export interface FrameScan {
  /** Where the last frame that was given ends; behind the head before the first. */
  readonly end: number
  /** The LSN that is expected next. */
  readonly nextLsn: number
  /** What was passed over before the frame that was given last. */
  readonly skipped: Skipped | undefined
  /** The last head behind `end` that has no frame which counts. */
  readonly broken: BrokenFrame | undefined
  /** The next frame, if it follows at once and is in memory. */
  nextNow(): Frame | undefined
  /** The next frame that counts; `undefined` if there is none any more. */
  next(): Promise<Frame | undefined>
}

/**
 * Begins at the head of a segment, whose bytes count up to `size`. With `lsnEnd` the next segment begins: a frame that goes on past
 * it is one whose write had failed, so that its records came again.
 */
export function createFrameScan(
  window: FileWindow,
  segment: SegmentName,
  size: number,
  lsnEnd = Infinity,
): FrameScan {
  let end = segmentHeaderBytes
  let nextLsn = segment.firstLsn
  let skipped: Skipped | undefined
  let broken: BrokenFrame | undefined

  /** What these bytes are, if it counts. */
  const counting = (bytes: Buffer, offset: number): Frame | undefined => {
    const frame = parseFrame(bytes, offset)
    if (frame === undefined) return undefined
    return frame.firstLsn >= nextLsn && frame.firstLsn + frame.count <= lsnEnd ? frame : undefined
  }

  const lengthAt = (head: Buffer, offset: number): number | undefined =>
    head.length < frameHeaderBytes ? undefined : frameLength(head, 0, offset, segment.id, size)

  /** The frame at a place; `undefined` if none counts there. */
  const frameAt = async (offset: number): Promise<Frame | undefined> => {
    const length = lengthAt(await window.bytes(offset, frameHeaderBytes), offset)
    if (length === undefined) return undefined
    const bytes = await window.bytes(offset, length)
    return bytes.length === length ? counting(bytes, offset) : undefined
  }

  /** The same, if it is in memory. */
  const heldAt = (offset: number): Frame | undefined => {
    const head = window.held(offset, frameHeaderBytes)
    const length = head === undefined ? undefined : lengthAt(head, offset)
    const bytes = length === undefined ? undefined : window.held(offset, length)
    return bytes === undefined ? undefined : counting(bytes, offset)
  }

  const brokenAt = async (offset: number, length: number): Promise<BrokenFrame> => {
    const records = recordCount(await window.bytes(offset, frameHeaderBytes))
    const head = await window.bytes(offset, frameHeaderBytes + records * recordHeaderBytes)
    const addsUp = head.length + bytesOfRecords(head, records) === length
    return { offset, end: alignedEnd(offset + length), nextLsn: lsnBehind(head), addsUp }
  }

  /** The first frame that counts behind a place. */
  const search = async (from: number): Promise<Frame | undefined> => {
    for (let at = from; at + frameHeaderBytes <= size; at += searchBytes) {
      throwIfCancelled()
      let part = await window.bytes(at, searchBytes + frameHeaderBytes)
      for (let place = 0; place < searchBytes; place += frameAlignment) {
        if (place + frameHeaderBytes > part.length) break
        const length = frameLength(part, place, at + place, segment.id, size)
        if (length === undefined) continue
        const frame = await frameAt(at + place)
        if (frame !== undefined) return frame
        broken = await brokenAt(at + place, length)
        // Its memory may have been used for that.
        part = await window.bytes(at, searchBytes + frameHeaderBytes)
      }
    }
    return undefined
  }

  const pass = (frame: Frame): Frame => {
    const lost = frame.firstLsn - nextLsn
    const isWhole = frame.offset === end && lost === 0
    skipped = isWhole ? undefined : { offset: end, bytes: frame.offset - end, lost }
    end = frame.end
    nextLsn = frame.firstLsn + frame.count
    return frame
  }

  return {
    get end() {
      return end
    },
    get nextLsn() {
      return nextLsn
    },
    get skipped() {
      return skipped
    },
    get broken() {
      return broken
    },
    nextNow() {
      const frame = heldAt(end)
      return frame?.firstLsn === nextLsn ? pass(frame) : undefined
    },
    async next() {
      const frame = (await frameAt(end)) ?? (await search(end + frameAlignment))
      return frame === undefined ? undefined : pass(frame)
    },
  }
}

/** Where the last byte that is not zero ends, from a place on; that place if there is none. */
export async function endOfBytes(window: FileWindow, from: number, size: number): Promise<number> {
  let end = from
  for (let at = from; at < size; at += searchBytes) {
    const part = await window.bytes(at, searchBytes)
    if (part.equals(zeros.subarray(0, part.length))) continue
    let last = part.length
    while (part[last - 1] === 0) last -= 1
    end = at + last
  }
  return end
}
