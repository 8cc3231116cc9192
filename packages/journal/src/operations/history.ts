/** `fs.history`: what the log, the checkpoints and the snapshots know of a path. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import type { PathChange, PathVersion } from '../versions.ts'
import { count, describe, described, path } from './fields.ts'
import type { JournalSlice } from './part.ts'

const changeSchema = z.object({
  sequence: count.describe('number of the change; several of these may have one'),
  at: z.iso.datetime(),
  change: z.enum(['put', 'mkdir', 'meta', 'rm', 'mv', 'cp', 'attributes', 'unmount', 'tier']),
  path: z.string().describe('what was changed, by its name of then'),
  from: z.string().optional().describe('of mv and cp: where it came from'),
  cid: z.string().optional().describe('what was put'),
})

const versionSchema = z.object({
  snapshot: z.string().optional().describe('name of the snapshot; absent for a checkpoint'),
  sequence: count.describe('number of the last change in it'),
  at: z.iso.datetime(),
  path: z.string().describe('its name of then'),
  stat: described.optional().describe('absent if nothing was there'),
})

/** Tells the history of a path. */
export const fsHistory = operation<JournalSlice<'history'>>()({
  name: 'fs.history',
  summary:
    'Tell what is known of a path, the newest first: its changes in the log, and what it was in the trees that are kept',
  parts: ['journal'],
  input: z.object({
    path,
    limit: z.int().min(1).max(10_000).default(100).describe('changes at most, the newest'),
  }),
  output: z.object({
    changes: z.array(changeSchema).describe('out of the log, which is kept since the oldest checkpoint'),
    versions: z
      .array(versionSchema)
      .describe(
        'snapshots and checkpoints in which it is not what it is in the next newer one: fs.restore takes them',
      ),
  }),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli', 'mcp-opt-in'],
  text: ({ changes, versions }) =>
    changes.length + versions.length === 0
      ? 'nothing is known of it'
      : [...changes.map(changeLine), ...versions.map(versionLine)].join('\n'),
  async run({ journal }, input, { signal }) {
    const { changes, versions } = await journal.history(input.path, { limit: input.limit, signal })
    return { changes: changes.map(shownChange), versions: versions.map(shownVersion) }
  },
})

function shownChange({ at, cid, ...change }: PathChange): z.output<typeof changeSchema> {
  return { ...change, at: new Date(at).toISOString(), ...(cid !== undefined && { cid: cid.toString() }) }
}

function shownVersion({ at, stat, ...version }: PathVersion): z.output<typeof versionSchema> {
  return {
    ...version,
    at: new Date(at).toISOString(),
    ...(stat !== undefined && { stat: describe(stat) }),
  }
}

function changeLine({ at, change, from, path: its, cid, sequence }: z.output<typeof changeSchema>): string {
  const what = [...(from === undefined ? [] : [`${from} to`]), its, ...(cid === undefined ? [] : [cid])]
  return `${at}  ${change}  ${what.join(' ')}  (change ${sequence})`
}

function versionLine({ at, snapshot, sequence, path: its, stat }: z.output<typeof versionSchema>): string {
  const name = snapshot === undefined ? `checkpoint:${sequence}` : `snapshot:${snapshot}`
  return `${at}  ${name}  ${its}  ${stat === undefined ? 'nothing' : (stat.cid ?? stat.type)}`
}
