/** `wal.verify`, `wal.rebuild-index`: whether the log is whole, and an index that is. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import { count, failure, operationId } from './fields.ts'
import type { VerifiedWal, WalSlice } from './part.ts'

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
export const walVerify = operation<{ readonly wal: VerifiedWal }>()({
  name: 'wal.verify',
  summary: 'Read and check log and snapshot, compare the index with them, and change nothing',
  parts: ['wal'],
  input: z.object({}),
  output: z.object({
    isWhole: z.boolean().describe('Whether everything is as it was written'),
    segments: count,
    records: count,
    bytes: count.describe('Bytes of the log that were looked at'),
    findings: z.array(finding).readonly().describe('What is not as the log has written it'),
    snapshot: z.object({ lsn: count, operations: count, failure: failure.optional() }).optional(),
    index: z
      .object({
        lsn: count,
        operations: count.describe('Operations that were compared'),
        wrong: z.array(operationId).readonly().describe('Those that are not what snapshot and log make'),
      })
      .optional()
      .describe('Absent if no process has the log open'),
  }),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  text: ({ isWhole, segments, records, bytes, findings, snapshot, index }) =>
    [
      `${isWhole ? 'whole' : 'not whole'}: ${records} records in ${segments} segments (${bytes} bytes), ${findings.length} findings`,
      ...findings.map(findingLine),
      ...(snapshot === undefined
        ? []
        : [
            `snapshot to LSN ${snapshot.lsn}, ${snapshot.operations} operations${snapshot.failure === undefined ? '' : `: ${snapshot.failure.message}`}`,
          ]),
      ...(index === undefined
        ? []
        : [
            `index to LSN ${index.lsn}, ${index.operations} operations compared, ${index.wrong.length} wrong${index.wrong.length === 0 ? '' : ': mend it with rebuild-index'}`,
          ]),
    ].join('\n'),
  outcome: ({ isWhole }) => (isWhole ? undefined : 'integrity'),
  async run({ wal }, _input, { signal }) {
    const { log, snapshot, index } = await wal.verify({ signal })
    const { segments, records, bytes, findings } = log
    const broken = snapshot?.failure
    return {
      isWhole: findings.length === 0 && broken === undefined && (index?.wrong.length ?? 0) === 0,
      ...{ segments, records, bytes, findings },
      ...(snapshot !== undefined && {
        snapshot: {
          ...{ lsn: snapshot.lsn, operations: snapshot.operations },
          ...(broken !== undefined && { failure: { code: broken.code, message: broken.message } }),
        },
      }),
      ...(index !== undefined && { index }),
    }
  },
})

/** Makes the index anew. */
export const walRebuildIndex = operation<WalSlice<'rebuildIndex' | 'stats'>>()({
  name: 'wal.rebuild-index',
  summary: 'Make the index anew from snapshot and log; the present one answers until then',
  parts: ['wal'],
  input: z.object({}),
  output: z.object({ operations: count.describe('Operations in the index') }),
  body: 'none',
  returns: 'value',
  effect: 'write',
  scope: 'admin',
  idempotent: true,
  doors: ['cli'],
  text: ({ operations }) => `the index has ${operations} operations`,
  async run({ wal }, _input, { signal }) {
    await wal.rebuildIndex({ signal })
    return { operations: wal.stats().index.operations }
  },
})

/** A finding as a line. */
export function findingLine({ kind, segment, offset, bytes, ...lost }: z.output<typeof finding>): string {
  const { firstLost, lastLost } = lost
  return [
    `${kind}  ${segment} at byte ${offset}, ${bytes} bytes`,
    ...(firstLost === undefined ? [] : [`lost LSN ${firstLost} to ${lastLost ?? firstLost}`]),
  ].join('  ')
}
