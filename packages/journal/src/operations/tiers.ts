/** `fs.tiers`, `fs.move-to-tier`, `fs.pin-to-tier`, `fs.unpin-from-tier`, `fs.tier-pins`: where blocks lie. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import type { BlocksProgress } from '../tiers/tiers.ts'
import { count, done, failure, failureOf, path, silent } from './fields.ts'
import type { JournalSlice } from './part.ts'

const common = { parts: ['journal'], body: 'none', returns: 'value', doors: ['cli', 'mcp-opt-in'] } as const

const tier = z.string().min(1).describe('name of the tier, as fs.tiers tells them')

/** Tells where blocks lie. */
export const fsTiers = operation<JournalSlice<'tiersOf'>>()({
  ...common,
  name: 'fs.tiers',
  summary: 'Show in which tiers the blocks at a path lie; writes a folder that has changed first',
  input: z.object({ path: path.default('/') }),
  output: z.object({
    path: z.string(),
    cid: z.string(),
    blocks: count,
    bytes: count,
    missing: count.describe('blocks that no tier has'),
    tiers: z.array(
      z.object({
        tier: z.string(),
        blocks: count,
        bytes: count,
        unknown: count.describe('blocks about which it did not answer'),
      }),
    ),
  }),
  effect: 'write',
  scope: 'content:write',
  idempotent: true,
  command: { name: 'fs tiers', arguments: ['path'] },
  text: ({ blocks, bytes, missing, tiers }) =>
    [
      `${blocks} blocks, ${bytes} bytes${missing === 0 ? '' : `, ${missing} missing`}`,
      ...tiers.map(
        (one) =>
          `${one.tier}  ${one.blocks} blocks, ${one.bytes} bytes${one.unknown === 0 ? '' : `, ${one.unknown} unknown`}`,
      ),
    ].join('\n'),
  async run({ journal }, input, { signal, progress }) {
    const report = await journal.tiersOf(input.path, { signal, onProgress: told(progress, 'looking') })
    return { path: input.path, ...report, cid: report.cid.toString(), tiers: [...report.tiers] }
  },
})

/** Moves blocks. */
export const fsMoveToTier = operation<JournalSlice<'moveTo'>>()({
  ...common,
  name: 'fs.move-to-tier',
  summary: 'Move the blocks at a path to a tier, and out of those above it as far as they may forget them',
  input: z.object({ path, tier }),
  output: z.object({
    path: z.string(),
    cid: z.string(),
    blocks: count,
    bytes: count,
    moved: count,
    there: count.describe('blocks that the tier had before'),
    refused: count.describe('blocks that the tier does not take'),
    missing: count.describe('blocks that no tier has'),
  }),
  effect: 'write',
  scope: 'content:write',
  idempotent: true,
  command: { name: 'fs move-to-tier', arguments: ['path', 'tier'] },
  text: ({ moved, there, refused, missing }) =>
    `${moved} blocks moved, ${there} were there, ${refused} were refused, ${missing} are missing`,
  async run({ journal }, input, { signal, progress }) {
    const onProgress = told(progress, 'moving')
    const report = await journal.moveTo(input.path, input.tier, { signal, onProgress })
    return { path: input.path, ...report, cid: report.cid.toString() }
  },
})

/** Pins a path to a tier. */
export const fsPinToTier = operation<JournalSlice<'pinToTier'>>()({
  ...common,
  name: 'fs.pin-to-tier',
  summary: 'Pin what is at a path, and below, to a tier: its blocks are moved there, now and when it changes',
  input: z.object({ path, tier }),
  output: done,
  effect: 'write',
  scope: 'content:write',
  idempotent: true,
  command: { name: 'fs pin-to-tier', arguments: ['path', 'tier'] },
  text: silent,
  async run({ journal }, input, { signal }) {
    await journal.pinToTier(input.path, input.tier, { signal })
    return { path: input.path }
  },
})

/** Ends a pin. */
export const fsUnpinFromTier = operation<JournalSlice<'unpinFromTier'>>()({
  ...common,
  name: 'fs.unpin-from-tier',
  summary: 'Pin what is at a path to no tier any more; its blocks stay where they are',
  input: z.object({ path }),
  output: done,
  effect: 'write',
  scope: 'content:write',
  idempotent: true,
  command: { name: 'fs unpin-from-tier', arguments: ['path'] },
  text: silent,
  async run({ journal }, input, { signal }) {
    await journal.unpinFromTier(input.path, { signal })
    return { path: input.path }
  },
})

/** Lists what is pinned. */
export const fsTierPins = operation<JournalSlice<'tierPins'>>()({
  ...common,
  name: 'fs.tier-pins',
  summary: 'List the paths that are pinned to tiers, and whether their blocks were moved',
  input: z.object({}),
  output: z.object({
    pins: z.array(
      z.object({
        path: z.string(),
        tier: z.string(),
        state: z.enum(['moving', 'moved', 'failed']).describe('failed: it is tried again'),
        refused: count.describe('blocks that the tier does not take'),
        failure: failure.optional(),
      }),
    ),
  }),
  effect: 'read',
  scope: 'content:read',
  command: { name: 'fs tier-pins' },
  text: ({ pins }) =>
    pins
      .map((pin) => {
        const why = pin.failure === undefined ? '' : `: ${pin.failure.message}`
        const refused = pin.refused === 0 ? '' : `, ${pin.refused} blocks refused`
        return `${pin.path}  ${pin.tier}  ${pin.state}${why}${refused}`
      })
      .join('\n'),
  run: async ({ journal }) => ({
    pins: journal
      .tierPins()
      .map(({ failure: why, ...pin }) => ({ ...pin, ...(why !== undefined && { failure: failureOf(why) }) })),
  }),
})

function told(
  progress: (told: { readonly stage: string; readonly bytes: number; readonly items: number }) => void,
  stage: string,
): (progress: BlocksProgress) => void {
  return ({ blocks, bytes }) => progress({ stage, bytes, items: blocks })
}
