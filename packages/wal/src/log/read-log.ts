/** Reads the records of a log in order. */
import { throwIfCancelled } from '@ipfs-kit/concurrency'
import { type Disk, DiskError, type DiskFile } from '@ipfs-kit/disk'
import { diskFailure } from '../disk-failure.ts'
import { WalError } from '../errors.ts'
import { createFileWindow } from './file-window.ts'
import { type Frame, frameHeaderBytes, recordHeaderBytes, recordLength } from './frame.ts'
import { createFrameScan, type FrameScan, type Skipped } from './frame-scan.ts'
import type { Batch } from './log.ts'
import type { Segment } from './segment.ts'

/** What a reader needs of the log. */
export interface ReadSource {
  readonly disk: Disk
  readonly folder: string
  readonly segments: readonly Segment[]
  /** @throws WalError WAL_CLOSED */
  check(): void
}

/** The records from an LSN on, up to the last that was acknowledged at its first call. `from` absent: from the first. */
export async function* readLog(
  source: ReadSource,
  from: number | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Batch, void, undefined> {
  source.check()
  const last = source.segments.at(-1)?.lastLsn ?? 0
  let next = from ?? source.segments[0]!.firstLsn
  for (;;) {
    const segment = source.segments.find(({ lastLsn }) => lastLsn >= next)
    if (segment === undefined || next > last) return
    if (segment === source.segments[0] && next < segment.firstLsn) throw dropped(next, segment.firstLsn)
    // What follows was not there yet when the reading began.
    const until = Math.min(last, segment.lastLsn)
    yield* readSegment(source, segment, next, until, signal)
    next = until + 1
  }
}

async function* readSegment(
  source: ReadSource,
  segment: Segment,
  from: number,
  until: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Batch, void, undefined> {
  const { end } = segment
  const file = await openSegment(source, segment)
  try {
    const window = createFileWindow(file, { size: end, reuse: false })
    const scan = createFrameScan(window, segment, end)
    while (scan.nextLsn <= until) {
      let frame: Frame | undefined = await nextFrame(source, segment, scan)
      if (scan.skipped !== undefined) checkKnown(segment, scan.skipped)
      const firstLsn = Math.max(from, frame.firstLsn)
      const payloads: Uint8Array[] = []
      // What is in memory comes along with it.
      for (; frame !== undefined; frame = scan.nextLsn <= until ? scan.nextNow() : undefined) {
        if (scan.nextLsn > from) addPayloads(payloads, frame, from, until)
      }
      if (payloads.length === 0) continue
      source.check()
      signal?.throwIfAborted()
      yield { firstLsn, payloads }
    }
  } finally {
    await file.close()
  }
}

async function openSegment({ disk, folder, segments }: ReadSource, segment: Segment): Promise<DiskFile> {
  try {
    return await disk.open(`${folder}/${segment.name}`, 'read')
  } catch (cause) {
    const isDropped =
      cause instanceof DiskError && cause.code === 'DISK_NOT_FOUND' && !segments.includes(segment)
    if (isDropped) throw dropped(segment.firstLsn, segments[0]!.firstLsn)
    throw diskFailure(cause, `read ${segment.name}`)
  }
}

/** @throws WalError WAL_CORRUPT if there is none, though there was one at opening, or since */
async function nextFrame(source: ReadSource, segment: Segment, scan: FrameScan): Promise<Frame> {
  throwIfCancelled()
  let frame: Frame | undefined
  try {
    frame = await scan.next()
  } catch (cause) {
    source.check()
    throw diskFailure(cause, `read ${segment.name}`)
  }
  if (frame === undefined) throw corrupt(segment, scan.end)
  return frame
}

/** @throws WalError WAL_CORRUPT unless the damage, or one around it, was there at opening: a device may give more by now */
function checkKnown(segment: Segment, { offset, bytes }: Skipped): void {
  const isKnown = segment.findings.some(
    (one) => one.kind === 'damage' && one.offset <= offset && one.offset + one.bytes >= offset + bytes,
  )
  if (!isKnown) throw corrupt(segment, offset)
}

function corrupt({ name }: Segment, offset: number): WalError {
  return new WalError(
    'WAL_CORRUPT',
    `${name} is damaged at byte ${offset}, and was not when the log was opened`,
  )
}

function dropped(lsn: number, firstLsn: number): WalError {
  return new WalError('WAL_DROPPED', `LSN ${lsn} was dropped; the first that is there is ${firstLsn}`)
}

/** Adds the records of a frame whose LSNs lie between two, both included. */
function addPayloads(
  payloads: Uint8Array[],
  { bytes, firstLsn, count }: Frame,
  from: number,
  until: number,
): void {
  let at = frameHeaderBytes + count * recordHeaderBytes
  for (let nth = 0; nth < count; nth += 1) {
    const length = recordLength(bytes, nth)
    const lsn = firstLsn + nth
    if (lsn >= from && lsn <= until) payloads.push(bytes.subarray(at, at + length))
    at += length
  }
}
