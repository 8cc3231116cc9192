/** Input and output fields that several operations share. */
import type { Ipfs } from '@ipfs-kit/ipfs'
import type { UnixfsMetadata } from '@ipfs-kit/ipfs/unixfs'
import { z } from 'zod'
import type { Checkpoint, Stat } from '../journal.ts'
import { mtimeOf } from '../mtime.ts'

/** A path of the tree. */
export const path = z.string().min(1).describe('path, such as /notes/today.txt')

/** Where something is moved or copied to: see {@link targetOf}. */
export const to = path.describe(
  'path at which it is to be; one that ends in a slash is that of a folder into which it is put under its name',
)

/** Where content paths lead: a slice of the part `ipfs`. */
export type Content = { readonly ipfs: { readonly files: Pick<Ipfs['files'], 'resolve'> } }

/** Content that has a CID. */
export const contentPath = z
  .string()
  .min(1)
  .describe('CID, with an optional path below it: <cid> or <cid>/name/name')

/** A number of things, or of bytes. */
export const count = z.int().min(0)

export const parents = z.boolean().default(false).describe('make folders that are missing on the way')

/** Permission bits, as people write them. */
export const mode = z
  .string()
  .regex(/^[0-7]{1,4}$/, 'is octal, such as 644')
  .describe('permission bits, octal, such as 644')

export const mtimeSeconds = z
  .number()
  .min(-(2 ** 53))
  .max(2 ** 53)
  .describe('time of the last change, in seconds since 1970; fractions count to the microsecond')

const kinds = ['file', 'directory', 'symlink', 'node', 'unknown'] as const

/** What is at a path. */
export const type = z
  .enum(kinds)
  .describe('node: a DAG that is none of the others; unknown: its block is not here')

/** What an operation answers that has nothing to say but that it is done. */
export const done = z.object({ path: z.string() })

/** Prints nothing, as such commands do. */
export const silent = (): undefined => undefined

/** A description of what is at a path. */
export const described = z.object({
  type,
  cid: z
    .string()
    .optional()
    .describe('absent for a folder that has changed since it was written: flush it; and in a transaction'),
  size: count.optional().describe('bytes of a file'),
  dagSize: count.optional().describe('bytes of all its blocks, unless it has changed since it was written'),
  mode: count.optional().describe('permission bits'),
  mtimeSeconds: z.number().optional().describe('time of the last change, in seconds since 1970'),
  attributes: z.record(z.string(), z.string()).optional().describe('its own attributes'),
  tier: z.string().optional().describe('the tier that its blocks are pinned to'),
  mount: z
    .object({ cid: z.string().describe('what was mounted'), writable: z.boolean() })
    .optional()
    .describe('if it is a mount'),
})

/** What a {@link Stat} is on the way out. */
export function describe(stat: Stat): z.output<typeof described> {
  const { kind, cid, size, dagBytes, mode: bits, mtime, attributes, tier, mount } = stat
  return {
    type: kind,
    ...(cid !== undefined && { cid: cid.toString() }),
    ...(size !== undefined && { size }),
    ...(dagBytes !== undefined && { dagSize: dagBytes }),
    ...(bits !== undefined && { mode: bits }),
    ...(mtime !== undefined && { mtimeSeconds: Number(mtime.secs) + (mtime.nsecs ?? 0) / 1e9 }),
    ...(attributes !== undefined && { attributes: { ...attributes } }),
    ...(tier !== undefined && { tier }),
    ...(mount !== undefined && { mount: { ...mount, cid: mount.cid.toString() } }),
  }
}

/** The metadata that an input means. */
export function metadataOf(input: {
  readonly mode?: string | undefined
  readonly mtimeSeconds?: number | undefined
}): UnixfsMetadata {
  return {
    ...(input.mode !== undefined && { mode: Number.parseInt(input.mode, 8) }),
    ...(input.mtimeSeconds !== undefined && { mtime: mtimeOf(input.mtimeSeconds) }),
  }
}

export const checkpoint = z.object({
  cid: z.string().describe('root of the tree'),
  sequence: count.describe('number of the last change in it'),
  at: z.iso.datetime(),
})

/** What a {@link Checkpoint} is on the way out. */
export function checkpointOf({ cid, sequence, at }: Checkpoint): z.output<typeof checkpoint> {
  return { cid: cid.toString(), sequence, at: new Date(at).toISOString() }
}

/** Why something has failed. */
export const failure = z.object({ code: z.string(), message: z.string() })

export function failureOf(error: Error): z.output<typeof failure> {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  return { code, message: error.message }
}
