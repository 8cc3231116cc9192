/** `wal.verify`: reads and checks the log. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import { count } from './fields.ts'
import type { WalSlice } from './part.ts'

/** What is not as the log has written it. */
export const finding = z.object({
  kind: z.enum(['torn-tail', 'damage', 'cut', 'header', 'missing']),
  segment: z.string().describe('Name of the file'),
  offset: count,
  bytes: count,
  firstLost: count.optional().describe('The first LSN that is lost by it'),
  lastLost: count.optional(),
})

/** Verifies. */
export const walVerify = operation<WalSlice<'verify'>>()({
  name: 'wal.verify',
  summary: 'Read and check all of the log, and change nothing',
  parts: ['wal'],
  input: z.object({}),
  output: z.object({
    segments: count,
    records: count,
    bytes: count.describe('Bytes that were read'),
    findings: z.array(finding).readonly().describe('What is not as the log has written it'),
  }),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'read',
  doors: ['cli'],
  text: ({ segments, records, bytes, findings }) =>
    [
      `${records} records in ${segments} segments (${bytes} bytes), ${findings.length} findings`,
      ...findings.map(findingLine),
    ].join('\n'),
  run: ({ wal }, _input, { signal }) => wal.verify({ signal }),
})

/** A finding as a line. */
export function findingLine({ kind, segment, offset, bytes, ...lost }: z.output<typeof finding>): string {
  const { firstLost, lastLost } = lost
  return [
    `${kind}  ${segment} at byte ${offset}, ${bytes} bytes`,
    ...(firstLost === undefined ? [] : [`lost LSN ${firstLost} to ${lastLost ?? firstLost}`]),
  ].join('  ')
}
