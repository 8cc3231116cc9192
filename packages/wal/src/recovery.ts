/** Finds the segments of a folder, and what became of them. */
import type { Disk } from '@ipfs-kit/disk'
import { type Inspected, inspectSegment, lostBetween } from './inspect-segment.ts'
import type { Finding } from './log.ts'
import { quarantine } from './quarantine.ts'
import { rewriteUnsynced, syncOrNote } from './unsynced.ts'
import { encodeSegmentHeader, parseSegmentName, type Segment, type SegmentName } from './segment.ts'

/** What was found. */
export interface Recovered {
  /** In order; all have records. */
  readonly segments: Segment[]
  /** The LSN of the next record. */
  readonly nextLsn: number
  readonly findings: readonly Finding[]
  /** Whether the last one ended before its successor was begun: nothing is appended to it any more. */
  readonly isEnded: boolean
  /** Segments without records, which are to go once there is one that tells the next LSN. */
  readonly empty: readonly SegmentName[]
}

/** What is in a folder. */
export interface InspectedFolder {
  /** All segments, in order. */
  readonly found: readonly Inspected[]
  /** Those that are not just begun. */
  readonly filled: readonly Inspected[]
  /** Position in `filled` of the last one that has records; -1 if none has. */
  readonly lastFilled: number
  readonly findings: readonly Finding[]
}

/** The segments of a folder by their names, in order. @throws DiskError */
export async function listSegments(disk: Disk, folder: string): Promise<SegmentName[]> {
  return (await disk.list(folder))
    .map(({ name }) => parseSegmentName(name))
    .filter((name) => name !== undefined)
    .sort((left, right) => left.firstLsn - right.firstLsn || (left.id < right.id ? -1 : 1))
}

/** Reads all segments, keeps a copy of what is damaged, and makes the end of the last one ready for more. @throws DiskError; WalError */
export async function recover(disk: Disk, folder: string): Promise<Recovered> {
  const names = await listSegments(disk, folder)
  await rewriteUnsynced(
    disk,
    folder,
    names.map(({ name }) => name),
  )
  const { found, filled, lastFilled, findings } = await inspectFolder(disk, folder, names)
  const newest = found.at(-1)
  const last = filled[lastFilled]
  const isEnded = last !== newest
  if (last !== undefined) await makeReady(disk, folder, last, isEnded)
  await quarantine(disk, folder, findings)
  const kept = filled.slice(0, lastFilled + 1)
  return {
    segments: kept.map(({ segment, size, madeBytes, end, lastLsn, findings: own }) => ({
      ...segment,
      size: isEnded || madeBytes === undefined ? size : Math.max(size, madeBytes),
      end,
      lastLsn,
      findings: own,
    })),
    nextLsn: Math.max(0, ...found.map(({ lastLsn }) => lastLsn)) + 1,
    findings,
    isEnded,
    empty: found.filter((one) => !kept.includes(one)).map(({ segment }) => segment),
  }
}

/** Reads all segments, and changes nothing. @throws DiskError; WalError WAL_FORMAT_TOO_NEW */
export async function inspectFolder(
  disk: Disk,
  folder: string,
  names: readonly SegmentName[],
): Promise<InspectedFolder> {
  const found: Inspected[] = []
  for (const [at, name] of names.entries()) {
    const lsnEnd = names[at + 1]?.firstLsn ?? Infinity
    found.push(await inspectSegment(disk, folder, name, { lsnEnd }))
  }
  // What has a whole head and nothing but zeros behind it was begun, and no more.
  const filled = found.filter((one) => hasRecords(one) || one.bytesEnd > one.end || one.findings.length > 0)
  const lastFilled = filled.findLastIndex(hasRecords)
  const findings = filled.flatMap((one, at) => {
    const lost = at === 0 ? undefined : lostBetween(filled[at - 1]!, one.segment)
    return lost === undefined ? one.findings : [lost, ...one.findings]
  })
  const newest = found.at(-1)
  const beforeNewest = filled.at(-1)
  if (newest !== undefined && beforeNewest !== undefined) {
    const lost = beforeNewest === newest ? undefined : lostBetween(beforeNewest, newest.segment)
    if (lost !== undefined) findings.push(lost)
    if (beforeNewest === newest && newest.bytesEnd > newest.end) findings.push(tornTail(newest))
  }
  return { found, filled, lastFilled, findings }
}

function hasRecords({ segment, lastLsn }: Inspected): boolean {
  return lastLsn >= segment.firstLsn
}

function tornTail({ segment, end, bytesEnd }: Inspected): Finding {
  return { kind: 'torn-tail', segment: segment.name, offset: end, bytes: bytesEnd - end }
}

/** Makes what was found durable, and in a segment that goes on puts zeros in place of a torn end. */
async function makeReady(disk: Disk, folder: string, last: Inspected, isEnded: boolean): Promise<void> {
  const { segment, size, madeBytes, end, bytesEnd } = last
  const file = await disk.open(`${folder}/${segment.name}`, 'write')
  try {
    if (!isEnded) {
      if (madeBytes === undefined) await file.write([encodeSegmentHeader(segment, size)], 0)
      if (bytesEnd > end) await file.write([Buffer.alloc(bytesEnd - end)], end)
      if (madeBytes !== undefined && size < madeBytes) await file.preallocate(madeBytes)
    }
    await syncOrNote({ disk, folder }, () => file.sync())
  } finally {
    await file.close()
  }
}
