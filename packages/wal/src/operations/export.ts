/** `wal.export`, `wal.archive`: operations as files. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import { WalError } from '../errors.ts'
import { begun, jsonLines, pagesOf } from '../wal/export.ts'
import { parquetFile } from '../wal/parquet.ts'
import { count, filterFields, filterOf, finishedFields } from './fields.ts'
import type { WalSlice } from './part.ts'

/** Exports. */
export const walExport = operation<WalSlice<'list'>>()({
  name: 'wal.export',
  summary: 'Export operations as JSON lines or as a Parquet file, the newest first',
  parts: ['wal'],
  input: z.object({ ...filterFields, format: z.enum(['jsonl', 'parquet']).default('jsonl') }),
  output: z.never(),
  body: 'none',
  returns: 'bytes',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  async run({ wal }, { format, ...filter }, { signal }) {
    const pages = pagesOf(wal, { ...filterOf(filter), signal })
    if (format === 'jsonl') return { mediaType: 'application/x-ndjson', body: jsonLines(pages) }
    const some = await begun(pages)
    // The writer makes of no rows a file that not every reader takes.
    if (some === undefined) throw new WalError('WAL_NOT_FOUND', 'There is no operation to export')
    return { mediaType: 'application/vnd.apache.parquet', body: parquetFile(some) }
  },
})

/** Archives. */
export const walArchive = operation<WalSlice<'archive'>>()({
  name: 'wal.archive',
  summary: 'Write finished operations to a file beside the log, and remove them when it is on the disk',
  parts: ['wal'],
  input: z.object(finishedFields),
  output: z.object({
    operations: count.describe('Operations that are in the file, and not in the log any more'),
    file: z.string().optional().describe('Path of the file of JSON lines; absent if there were none'),
    bytes: count,
  }),
  body: 'none',
  returns: 'value',
  effect: 'destructive',
  scope: 'admin',
  doors: ['cli'],
  text: ({ operations, file, bytes }) =>
    file === undefined
      ? 'there is nothing to archive'
      : `${operations} operations (${bytes} bytes) are in ${file}`,
  run: ({ wal }, input, { signal }) => wal.archive({ ...filterOf(input), signal }),
})
