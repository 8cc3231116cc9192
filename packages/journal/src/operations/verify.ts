/** `journal.verify`, `journal.recover`: whether the tree is whole, and what the log has of what is not. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import type { TreeDamage, TreeVerified } from '../versions.ts'
import { count } from './fields.ts'
import type { JournalSlice } from './part.ts'
import { recovered, recoveredBy, recoveredLines } from './recovered.ts'

const damage = z.object({
  path: z
    .string()
    .describe('where it was met first: of a file, or of the folder that the block is a part of'),
  cid: z.string(),
  problem: z
    .enum(['missing', 'invalid'])
    .describe('missing: not here, or damaged here; invalid: no block of such a DAG'),
})

const summary = z.object({
  items: count.describe('blocks that are in order'),
  failed: count.describe('blocks that are not; what lies below them is not known'),
  bytes: count.describe('bytes of those that are here'),
  files: count,
  folders: count,
})

/** Verifies. */
export const journalVerify = operation<JournalSlice<'verify'>>()({
  name: 'journal.verify',
  summary: 'Read all blocks of the tree and compare them with their CIDs; the last line sums up',
  parts: ['journal'],
  input: z.object({}),
  output: z.union([summary, damage]),
  body: 'none',
  returns: 'lines',
  effect: 'read',
  scope: 'admin',
  doors: ['cli', 'mcp-opt-in'],
  text: (line) => ('items' in line ? summaryLine(line) : damageLine(line)),
  async *run({ journal }, _input, { signal, progress }) {
    const onProgress = ({ bytes, blocks }: TreeVerified): void =>
      progress({ stage: 'verifying', bytes, items: blocks })
    let verified: TreeVerified | undefined
    const damages = (async function* () {
      verified = yield* journal.verify({ signal, onProgress })
    })()
    for await (const one of damages) yield shown(one)
    if (verified !== undefined) yield summed(verified)
  },
})

/** Recovers. */
export const journalRecover = operation<JournalSlice<'recover'>>()({
  name: 'journal.recover',
  summary:
    'Look through the folders of the tree; if blocks are missing, make it anew from an older checkpoint and the log',
  parts: ['journal'],
  input: z.object({}),
  output: z.object({
    verified: summary.describe(
      'the folders of the newest checkpoint; its files are counted, and not looked into',
    ),
    damages: z.array(damage).describe('of the blocks that are missing in them the first 1,000'),
    recovery: recovered
      .optional()
      .describe('if an older checkpoint has more of its folders: the tree was made anew from that'),
  }),
  body: 'none',
  returns: 'value',
  effect: 'write',
  scope: 'admin',
  idempotent: true,
  doors: ['cli', 'mcp-opt-in'],
  text: ({ verified, damages, recovery }) =>
    [
      ...damages.map(damageLine),
      folderLine(verified),
      ...(recovery === undefined ? [] : ['made anew: ' + recoveredLines(recovery).join('\n')]),
    ].join('\n'),
  outcome: ({ damages, recovery }) =>
    damages.length === 0 || recovery !== undefined ? undefined : 'integrity',
  async run({ journal }, _input, { signal }) {
    const { verified, damages, recovery } = await journal.recover({ signal })
    return {
      verified: summed(verified),
      damages: damages.map(shown),
      ...(recovery !== undefined && { recovery: recoveredBy(recovery) }),
    }
  },
})

function summed({ blocks, missing, invalid, ...counts }: TreeVerified): z.output<typeof summary> {
  return { items: Math.max(0, blocks - invalid), failed: missing + invalid, ...counts }
}

function shown({ cid, ...of }: TreeDamage): z.output<typeof damage> {
  return { ...of, cid: cid.toString() }
}

function summaryLine({ items, failed, bytes, files, folders }: z.output<typeof summary>): string {
  return `${items} blocks of ${files} files and ${folders} folders are in order (${bytes} bytes), ${failed} are not`
}

/** A recovery looks at no content of files. */
function folderLine({ items, failed, bytes, folders }: z.output<typeof summary>): string {
  return `looked through ${folders} folders: ${items} blocks are in order (${bytes} bytes), ${failed} are not; verify tells of the content of files`
}

function damageLine({ problem, path, cid }: z.output<typeof damage>): string {
  return `${problem}  ${cid}  ${path}`
}
