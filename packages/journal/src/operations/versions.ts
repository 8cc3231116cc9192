/** `fs.snapshot`, `fs.snapshots`, `fs.remove-snapshot`, `journal.checkpoints`: trees as they were. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import type { Snapshot } from '../journal.ts'
import { checkpoint, checkpointOf, silent } from './fields.ts'
import type { JournalSlice } from './part.ts'

const common = {
  parts: ['journal'],
  body: 'none',
  returns: 'value',
  scope: 'write',
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
  scope: 'read',
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

/** Lists checkpoints. */
export const journalCheckpoints = operation<JournalSlice<'checkpoints'>>()({
  ...common,
  name: 'journal.checkpoints',
  summary: 'List the checkpoints that are kept, the newest first',
  input: z.object({}),
  output: z.object({ checkpoints: z.array(checkpoint) }),
  effect: 'read',
  scope: 'read',
  text: ({ checkpoints }) =>
    checkpoints.length === 0
      ? 'none'
      : checkpoints.map(({ cid, sequence, at }) => `${cid}  ${at}  ${sequence} changes`).join('\n'),
  run: async ({ journal }) => ({ checkpoints: journal.checkpoints().map(checkpointOf) }),
})

function shown({ name: its, ...tree }: Snapshot): z.output<typeof snapshot> {
  return { name: its, ...checkpointOf(tree) }
}

function line({ name: its, cid, sequence, at }: z.output<typeof snapshot>): string {
  return `${cid}  ${at}  ${sequence} changes  ${its}`
}
