/** Operations on the store as a whole. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import type { Repo } from '../ipfs.ts'

type Slice<K extends keyof Repo> = { readonly ipfs: { readonly repo: Pick<Repo, K> } }

/** Counts the store. */
export const repoStat = operation<Slice<'stat'>>()({
  name: 'repo.stat',
  summary: 'Count the blocks, bytes and pins of the store',
  parts: ['ipfs'],
  input: z.object({}),
  output: z.object({ blocks: z.number().int(), bytes: z.number().int(), pins: z.number().int() }),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'read',
  doors: ['cli'],
  run: ({ ipfs }, _input, { signal }) => ipfs.repo.stat({ signal }),
})

/** Collects garbage. */
export const repoGc = operation<Slice<'gc'>>()({
  name: 'repo.gc',
  summary: 'Remove every block that no pin reaches and nothing under way holds',
  parts: ['ipfs'],
  input: z.object({}),
  output: z.object({
    removedBlocks: z.number().int(),
    removedBytes: z.number().int(),
    keptBlocks: z.number().int(),
  }),
  body: 'none',
  returns: 'value',
  effect: 'destructive',
  scope: 'admin',
  idempotent: true,
  doors: ['cli'],
  command: { name: 'gc' },
  text: (result) =>
    `removed ${result.removedBlocks} blocks (${result.removedBytes} bytes), kept ${result.keptBlocks}`,
  run: ({ ipfs }, _input, { signal }) => ipfs.repo.gc({ signal }),
})
