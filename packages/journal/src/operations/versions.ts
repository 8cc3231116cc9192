/** `fs.snapshot`, `fs.snapshots`, `fs.remove-snapshot`, `fs.diff`, `fs.restore`, `journal.checkpoints`: trees as they were. */
import { operation } from '@ipfs-kit/operations'
import { CID } from 'multiformats/cid'
import { z } from 'zod'
import type { Snapshot } from '../journal.ts'
import type { KeptReference } from '../versions.ts'
import { checkpoint, checkpointOf, describe, described, done, path, silent } from './fields.ts'
import type { JournalSlice } from './part.ts'

const common = {
  parts: ['journal'],
  body: 'none',
  returns: 'value',
  scope: 'content:write',
  doors: ['cli', 'mcp-opt-in'],
} as const

const name = z.string().min(1).describe('name of the snapshot')
const snapshot = z.object({ name: z.string(), ...checkpoint.shape })

/** Names the tree. */
export const fsSnapshot = operation<JournalSlice<'snapshot'>>()({
  ...common,
  name: 'fs.snapshot',
  summary: 'Give the tree a name, under which it stays as it is now until that is removed',
  input: z.object({ name: name.describe('name that it is to have: at most 64 bytes, without slashes') }),
  output: snapshot,
  effect: 'write',
  text: line,
  run: async ({ journal }, input, { signal }) => shown(await journal.snapshot(input.name, { signal })),
})

/** Lists snapshots. */
export const fsSnapshots = operation<JournalSlice<'snapshots'>>()({
  ...common,
  name: 'fs.snapshots',
  summary: 'List the snapshots in the order in which they were made',
  input: z.object({}),
  output: z.object({ snapshots: z.array(snapshot) }),
  effect: 'read',
  scope: 'content:read',
  text: ({ snapshots }) => (snapshots.length === 0 ? 'none' : snapshots.map(line).join('\n')),
  run: async ({ journal }) => ({ snapshots: journal.snapshots().map(shown) }),
})

/** Removes a snapshot. */
export const fsRemoveSnapshot = operation<JournalSlice<'removeSnapshot'>>()({
  ...common,
  name: 'fs.remove-snapshot',
  summary: 'Let a snapshot go; the tree stays as it is',
  input: z.object({ name }),
  output: z.object({ name: z.string() }),
  effect: 'destructive',
  text: silent,
  async run({ journal }, input, { signal }) {
    await journal.removeSnapshot(input.name, { signal })
    return { name: input.name }
  },
})

const kept =
  'name of a snapshot, checkpoint:<sequence> as journal.checkpoints lists it, or the CID of a folder; snapshot:<name> for a name that looks like another of these'

/** Compares. */
export const fsDiff = operation<JournalSlice<'diff'>>()({
  ...common,
  name: 'fs.diff',
  summary: 'Tell what is different between two trees, as lines in no order that can be relied on',
  input: z.object({
    from: z.string().min(1).describe(`the one before: live, ${kept}`),
    to: z
      .string()
      .min(1)
      .default('live')
      .describe('the one after, in the same way; live is the tree as it is'),
    path: path.default('/').describe('only what is there and below'),
  }),
  output: z.object({
    path: z.string(),
    change: z
      .enum(['added', 'removed', 'changed'])
      .describe('a folder that was added or removed stands for all that is in it'),
    before: described.optional(),
    after: described.optional(),
  }),
  returns: 'lines',
  effect: 'read',
  scope: 'content:read',
  command: { name: 'fs diff', arguments: ['from', 'to', 'path'] },
  text: (difference) => `${difference.change.padEnd(7)}  ${difference.path}`,
  async *run({ journal }, { from, to, path: at }, { signal }) {
    const trees = [from, to].map((text) => (text === 'live' ? text : referenceOf(text)))
    for await (const { before, after, ...difference } of journal.diff(trees[0]!, trees[1]!, {
      path: at,
      signal,
    })) {
      yield {
        ...difference,
        ...(before !== undefined && { before: describe(before) }),
        ...(after !== undefined && { after: describe(after) }),
      }
    }
  },
})

/** Restores. */
export const fsRestore = operation<JournalSlice<'restore'>>()({
  ...common,
  name: 'fs.restore',
  summary: 'Make what is at a path, or the whole tree, what it was: what is there now is replaced',
  input: z.object({
    from: z.string().min(1).describe(kept),
    path: path.default('/').describe('what is to be restored'),
  }),
  output: done,
  effect: 'destructive',
  idempotent: true,
  command: { name: 'fs restore', arguments: ['from', 'path'] },
  text: silent,
  async run({ journal }, { from, path: at }, { signal }) {
    await journal.restore(referenceOf(from), { path: at, signal })
    return { path: at }
  },
})

/** Lists checkpoints. */
export const journalCheckpoints = operation<JournalSlice<'checkpoints'>>()({
  ...common,
  name: 'journal.checkpoints',
  summary: 'List the checkpoints that are kept, the newest first',
  input: z.object({}),
  output: z.object({ checkpoints: z.array(checkpoint) }),
  effect: 'read',
  scope: 'content:read',
  text: ({ checkpoints }) =>
    checkpoints.length === 0
      ? 'none'
      : checkpoints.map(({ cid, sequence, at }) => `${cid}  ${at}  ${sequence} changes`).join('\n'),
  run: async ({ journal }) => ({ checkpoints: journal.checkpoints().map(checkpointOf) }),
})

/** What is a checkpoint or a CID is no name, unless it says that it is one. */
function referenceOf(text: string): KeptReference {
  const checkpointAt = /^checkpoint:(\d{1,15})$/.exec(text)?.[1]
  if (checkpointAt !== undefined) return { checkpoint: Number(checkpointAt) }
  if (text.startsWith('snapshot:')) return { snapshot: text.slice('snapshot:'.length) }
  try {
    return CID.parse(text)
  } catch {
    return { snapshot: text }
  }
}

function shown({ name: its, ...tree }: Snapshot): z.output<typeof snapshot> {
  return { name: its, ...checkpointOf(tree) }
}

function line({ name: its, cid, sequence, at }: z.output<typeof snapshot>): string {
  return `${cid}  ${at}  ${sequence} changes  ${its}`
}
