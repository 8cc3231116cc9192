/** `wal.replay`: the records of the log. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import { count } from './fields.ts'
import type { WalSlice } from './part.ts'

/** Tells the records. */
export const walReplay = operation<WalSlice<'records'>>()({
  name: 'wal.replay',
  summary: 'Show the records of the log from an LSN on, as they were written',
  parts: ['wal'],
  input: z.object({
    from: z.int().min(1).optional().describe('the first LSN; default the first that there is'),
    limit: z.int().min(1).max(1_000_000).default(1000).describe('records at most'),
  }),
  output: z.object({
    lsn: count,
    record: z.looseObject({ kind: z.string() }).describe('As FORMAT.md of the package describes it'),
  }),
  body: 'none',
  returns: 'lines',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  command: { name: 'wal replay', arguments: ['from'] },
  async *run({ wal }, { from, limit }, { signal }) {
    let left = limit
    for await (const { lsn, record } of wal.records({ signal, ...(from !== undefined && { from }) })) {
      yield { lsn, record: { ...record } }
      left -= 1
      if (left === 0) return
    }
  },
})
