/** Operations on the store as a whole. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import type { Repo } from '../ipfs.ts'

type Slice<K extends keyof Repo> = { readonly ipfs: { readonly repo: Pick<Repo, K> } }

/** Counts the store. */
export const repoStat = operation<Slice<'stat'>>()({
  name: 'repo.stat',
  summary: 'Say what the store holds: blocks, pins, bytes kept and cached, and its limit',
  parts: ['ipfs'],
  input: z.object({}),
  output: z.object({
    blocks: z.number().int(),
    bytes: z.number().int(),
    pins: z.number().int(),
    keptBytes: z.number().int(),
    cacheBytes: z.number().int(),
    deadBytes: z.number().int(),
    packBytes: z.number().int(),
    maxBytes: z.number().int(),
  }),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
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
    freedBytes: z.number().int(),
  }),
  body: 'none',
  returns: 'value',
  effect: 'destructive',
  scope: 'admin',
  idempotent: true,
  doors: ['cli'],
  command: { name: 'gc' },
  text: (result) =>
    `removed ${result.removedBlocks} blocks (${result.removedBytes} bytes), kept ${result.keptBlocks}, freed ${result.freedBytes} bytes`,
  run: ({ ipfs }, _input, { signal, progress }) =>
    ipfs.repo.gc({
      signal,
      onProgress: ({ stage, blocks, bytes }) => progress({ stage, bytes, items: blocks }),
    }),
})
