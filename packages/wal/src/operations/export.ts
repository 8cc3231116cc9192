/** `wal.export`, `wal.archive`: operations as files. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import { jsonLines, pagesOf } from '../export.ts'
import { parquetFile } from '../parquet.ts'
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
  scope: 'read',
  doors: ['cli'],
  async run({ wal }, { format, ...filter }, { signal }) {
    const pages = pagesOf(wal, { ...filterOf(filter), signal })
    return format === 'jsonl'
      ? { mediaType: 'application/x-ndjson', body: jsonLines(pages) }
      : { mediaType: 'application/vnd.apache.parquet', body: parquetFile(pages) }
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
