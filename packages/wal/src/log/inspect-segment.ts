/** Looks at the whole file of a segment: what is in it, and what is not as the log has written it. */
import type { Disk } from '@ipfs-kit/disk'
import { createFileWindow, type FileWindow } from './file-window.ts'
import { frameHeaderBytes, recordHeaderBytes } from './frame.ts'
import { createFrameScan, endOfBytes, type FrameScan, type Skipped } from './frame-scan.ts'
import type { Finding } from './log.ts'
import type { Span } from './read-around.ts'
import { decodeSegmentHeader, segmentHeaderBytes, type SegmentName } from './segment.ts'

/** What is in the file of a segment. */
export interface Inspected {
  readonly segment: SegmentName
  readonly size: number
  /** Bytes that it was made with, if its head tells. */
  readonly madeBytes: number | undefined
  /** Where the last frame that counts ends. */
  readonly end: number
  /** Where the last byte ends that is not zero or cannot be read, `end` or more. */
  readonly bytesEnd: number
  /** What is behind `end`, as the end of a segment that goes on. */
  readonly rest: Rest
  /** How many records were lost there at most, if it is damaged. */
  readonly mostLost: number
  readonly lastLsn: number
  readonly records: number
  /** In order, without what is behind `end`. */
  readonly findings: readonly Finding[]
  /** Bytes that were looked at: all that count. */
  readonly bytes: number
}

/** What may be behind the last frame that counts. */
export type Rest =
  /** Zeros, or one write that was cut short: frames go on there. */
  | 'free'
  /** Nothing was written there, but a part of it cannot be read. */
  | 'unused'
  /** More than one write, bytes that cannot be read where the next frame would be, or bytes behind no head of which none counts. */
  | 'damaged'

/** Options of {@link inspectSegment}. */
export interface InspectOptions {
  /** Bytes that count. Default: all of the file. */
  readonly limit?: number
  /** The LSN with which the next segment begins. Default: there is none. */
  readonly lsnEnd?: number
}

/** Reads all of it. @throws DiskError; WalError WAL_FORMAT_TOO_NEW */
export async function inspectSegment(
  disk: Disk,
  folder: string,
  segment: SegmentName,
  { limit = Infinity, lsnEnd = Infinity }: InspectOptions = {},
): Promise<Inspected> {
  const file = await disk.open(`${folder}/${segment.name}`, 'read')
  try {
    const size = await file.size()
    const counted = Math.min(size, limit)
    const window = createFileWindow(file, { size: counted, reuse: true })
    const madeBytes = decodeSegmentHeader(await window.bytes(0, segmentHeaderBytes), segment)
    const findings: Finding[] = []
    if (madeBytes === undefined) {
      const bytes = Math.min(size, segmentHeaderBytes)
      findings.push({ kind: 'header', segment: segment.name, offset: 0, bytes })
    }
    const scan = createFrameScan(window, segment, counted, lsnEnd)
    let records = 0
    for (let lsn = scan.nextLsn; ; lsn = scan.nextLsn) {
      const frame = scan.nextNow() ?? (await scan.next())
      if (frame === undefined) break
      if (scan.skipped !== undefined) findings.push(damageOf(segment, scan.skipped, lsn))
      records += frame.count
    }
    const bytesEnd = Math.max(
      await endOfBytes(window, scan.end, counted),
      ...window.unreadable.map(({ offset, bytes }) => offset + bytes),
    )
    if (madeBytes !== undefined && size < madeBytes) {
      findings.push({ kind: 'cut', segment: segment.name, offset: size, bytes: madeBytes - size })
    }
    // Its head was synced before anything was written behind it: bytes of which nothing counts are no write that was cut short.
    const hasLostAll = madeBytes === undefined && records === 0 && bytesEnd > scan.end
    const rest = hasLostAll ? 'damaged' : await restOf(window, scan)
    return {
      segment,
      size,
      madeBytes,
      end: scan.end,
      bytesEnd,
      rest,
      mostLost: rest === 'damaged' ? mostLost(window, scan, bytesEnd) : 0,
      lastLsn: scan.nextLsn - 1,
      records,
      findings,
      bytes: counted,
    }
  } finally {
    await file.close()
  }
}

/** At most one write is cut short, mostly: behind what was acknowledged there is one head, and no second one. */
async function restOf(window: FileWindow, { end, broken }: FrameScan): Promise<Rest> {
  if (broken !== undefined && broken.offset > end) return 'damaged'
  const behind = unreadableBehind(window, end)
  if (behind.length === 0) return 'free'
  const head = await window.bytes(end, frameHeaderBytes)
  const isZero = head.every((byte) => byte === 0)
  return isZero && behind.every(({ offset }) => offset >= end + frameHeaderBytes) ? 'unused' : 'damaged'
}

/** How many records a damage behind the last frame can have had at most. */
function mostLost(window: FileWindow, { end, nextLsn, broken }: FrameScan, bytesEnd: number): number {
  const most = Math.max(1, Math.floor((bytesEnd - end - frameHeaderBytes) / recordHeaderBytes))
  if (broken === undefined || unreadableBehind(window, end).length > 0) return most
  // Behind it there may have been others, whose heads are damaged as well.
  const isLast = broken.addsUp && broken.end >= bytesEnd
  const said = broken.nextLsn - nextLsn
  return isLast && said > 0 && said < most ? said : most
}

function unreadableBehind({ unreadable }: FileWindow, end: number): readonly Span[] {
  return unreadable.filter(({ offset, bytes }) => offset + bytes > end)
}

/** The finding for what was passed over where `lsn` was expected. */
export function damageOf({ name }: SegmentName, { offset, bytes, lost }: Skipped, lsn: number): Finding {
  const of = lost === 0 ? {} : { firstLost: lsn, lastLost: lsn + lost - 1 }
  return { kind: 'damage', segment: name, offset, bytes, ...of }
}

/** What is lost between a segment and the one that follows. */
export function lostBetween(before: Inspected, following: SegmentName): Finding | undefined {
  const { lastLsn, end, bytesEnd } = before
  const lost = following.firstLsn - 1 - lastLsn
  if (lost <= 0) return undefined
  // Zeros in place of frames look as if nothing had been there: so do segments that are gone.
  if (bytesEnd > end) return damageAtEnd(before, following.firstLsn - 1)
  const lsns = { firstLost: lastLsn + 1, lastLost: following.firstLsn - 1 }
  return { kind: 'missing', segment: following.name, offset: 0, bytes: 0, ...lsns }
}

/** The finding for what is behind the last frame that counts, up to an LSN. */
export function damageAtEnd({ segment, end, bytesEnd, lastLsn }: Inspected, lastLost: number): Finding {
  const lsns = { firstLost: lastLsn + 1, lastLost }
  return { kind: 'damage', segment: segment.name, offset: end, bytes: bytesEnd - end, ...lsns }
}
