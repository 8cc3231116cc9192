/** Finds the segments of a folder, and what became of them. */
import type { Disk } from '@ipfs-kit/disk'
import { damageAtEnd, type Inspected, inspectSegment, lostBetween } from './inspect-segment.ts'
import type { Finding } from './log.ts'
import { quarantine } from './quarantine.ts'
import { rewriteUnsynced, syncOrNote } from './unsynced.ts'
import { encodeSegmentHeader, parseSegmentName, type Segment, type SegmentName } from './segment.ts'

/** What was found. */
export interface Recovered {
  /** In order. */
  readonly segments: Segment[]
  /** The LSN of the next record. */
  readonly nextLsn: number
  readonly findings: readonly Finding[]
  /** The last one by its name, if it has records or not. */
  readonly newest: SegmentName | undefined
  /** Whether nothing is appended to the last one any more: its successor was begun, or its end is not to be written over. */
  readonly isEnded: boolean
  /** Segments that have nothing, which are to go once there is one that tells the next LSN. */
  readonly empty: readonly SegmentName[]
}

/** What is in a folder. */
export interface InspectedFolder {
  /** All segments, in order. */
  readonly found: readonly Inspected[]
  /** Those that are read, and whose last one may go on. */
  readonly kept: readonly Inspected[]
  /** The LSN of the next record. */
  readonly nextLsn: number
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
  const { found, kept, nextLsn, findings } = await inspectFolder(disk, folder, names)
  const newest = found.at(-1)
  const last = kept.at(-1)
  const isEnded = last !== newest || last?.rest !== 'free'
  if (last !== undefined) await makeReady(disk, folder, last, isEnded)
  await quarantine(disk, folder, findings)
  return {
    segments: kept.map(({ segment, size, madeBytes, end, lastLsn, findings: own }) => ({
      ...segment,
      size: isEnded || madeBytes === undefined ? size : Math.max(size, madeBytes),
      end,
      lastLsn,
      findings: own,
    })),
    nextLsn,
    findings,
    newest: newest?.segment,
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
  const newest = found.at(-1)
  // Of LSNs that may have been lost none is given again.
  const nextLsn = Math.max(0, ...found.map(({ lastLsn }) => lastLsn)) + (newest?.mostLost ?? 0) + 1
  const findings = filled.flatMap((one, at) => {
    const following = filled[at + 1] ?? newest!
    const behind = following === one ? behindNewest(one, nextLsn) : lostBetween(one, following.segment)
    return behind === undefined ? one.findings : [...one.findings, behind]
  })
  const kept = filled.slice(0, filled.findLastIndex((one) => hasRecords(one) || one.rest === 'damaged') + 1)
  // One that was begun and no more needs no other in its place.
  if (newest !== undefined && kept.at(-1) !== newest && isWhole(newest)) kept.push(newest)
  return { found, kept, nextLsn, findings }
}

function hasRecords({ segment, lastLsn }: Inspected): boolean {
  return lastLsn >= segment.firstLsn
}

/** Whether it is as it was made, and frames can go on in it. */
function isWhole({ rest, size, madeBytes }: Inspected): boolean {
  return rest === 'free' && size === madeBytes
}

/** The finding for what is behind the last frame of the newest segment. */
function behindNewest(newest: Inspected, nextLsn: number): Finding | undefined {
  const { segment, end, bytesEnd, rest } = newest
  if (rest === 'damaged') return damageAtEnd(newest, nextLsn - 1)
  if (rest === 'unused' || bytesEnd === end) return undefined
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
    // Who began it may have died before its name was there for good.
    await syncOrNote({ disk, folder }, () => disk.syncFolder(folder))
  } finally {
    await file.close()
  }
}
