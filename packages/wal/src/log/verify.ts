/** Reads and checks what was acknowledged. */
import { throwIfCancelled } from '@ipfs-kit/concurrency'
import { diskFailure } from '../disk-failure.ts'
import { WalError } from '../errors.ts'
import {
  damageAtEnd,
  type Inspected,
  inspectSegment,
  type InspectOptions,
  lostBetween,
} from './inspect-segment.ts'
import type { Finding, VerifyReport } from './log.ts'
import type { ReadSource } from './read-log.ts'
import type { Segment } from './segment.ts'

/** @throws WalError WAL_DROPPED, WAL_IO, WAL_CLOSED; the reason of the signal */
export async function verifySegments(
  source: ReadSource,
  signal: AbortSignal | undefined,
): Promise<VerifyReport> {
  // What is appended meanwhile is not looked at.
  const segments = source.segments.map((segment) => ({ ...segment }))
  const findings: Finding[] = []
  let records = 0
  let bytes = 0
  let before: Inspected | undefined
  for (const [at, segment] of segments.entries()) {
    source.check()
    signal?.throwIfAborted()
    throwIfCancelled()
    const following = segments[at + 1]
    const found = await inspect(
      source,
      segment,
      following === undefined ? { limit: segment.end } : { lsnEnd: following.firstLsn },
    )
    const lost = before === undefined ? undefined : lostBetween(before, segment)
    if (lost !== undefined) findings.push(lost)
    findings.push(...found.findings)
    records += found.records
    bytes += found.bytes
    before = found
  }
  const newest = segments.at(-1)
  if (newest !== undefined && before !== undefined && before.end < newest.end) {
    findings.push(damageAtEnd(before, newest.lastLsn))
  }
  return { segments: segments.length, records, bytes, findings }
}

async function inspect(source: ReadSource, segment: Segment, options: InspectOptions): Promise<Inspected> {
  try {
    return await inspectSegment(source.disk, source.folder, segment, options)
  } catch (cause) {
    source.check()
    if (!source.segments.some(({ name }) => name === segment.name)) {
      throw new WalError('WAL_DROPPED', `${segment.name} was dropped while it was verified`, { cause })
    }
    throw diskFailure(cause, `verify ${segment.name}`)
  }
}
