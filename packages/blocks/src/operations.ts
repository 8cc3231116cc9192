/**
 * The operations of a store, as entries for the table that `kit` joins. Each needs the part `store`.
 *
 * @packageDocumentation
 */
import { operation } from '@ipfs-kit/operations'
import { CID } from 'multiformats/cid'
import { z } from 'zod'
import type { Blocks, VerifyProgress } from './blocks.ts'

type Slice<K extends keyof Blocks> = { readonly store: Pick<Blocks, K> }

const whole = z.number().int()

const statSchema = z.object({
  entries: whole.describe('Blocks and records that can be read'),
  bytes: whole.describe('Their bytes'),
  keptEntries: whole,
  keptBytes: whole,
  cacheEntries: whole,
  cacheBytes: whole,
  packBytes: whole.describe('Bytes of the pack files on the volume'),
  keptPackBytes: whole,
  cachePackBytes: whole,
  maxBytes: whole.describe('Bytes that pack files may take now'),
  maxEntries: whole,
  deadBytes: whole.describe(
    'Bytes in kept packs that are replaced, deleted, or were unclaimed in the last mark',
  ),
  keptPacks: whole,
  cachePacks: whole,
  indexedEntries: whole.describe('Entries whose index is in memory'),
  indexBytes: whole,
  openLeases: whole,
  epoch: whole.describe('Complete marks since the store was opened'),
  blocksRead: whole.describe('Since the store was opened, as are the numbers that follow'),
  bytesRead: whole,
  blocksWritten: whole,
  bytesWritten: whole,
  blocksFound: whole.describe('Puts that found their block'),
  corruptReads: whole,
  syncs: whole,
  evictedPacks: whole,
  evictedBytes: whole,
  readmittedBytes: whole,
  compactedPacks: whole,
  copiedBytes: whole,
  longestRoomWaitMs: z.number().describe('Longest time that a writer has waited for room'),
  syncFailure: z.string().optional().describe('Why nothing durable is taken any more'),
})

/** Tells the numbers of the store. */
export const storeStat = operation<Slice<'stats'>>()({
  name: 'store.stat',
  summary: 'Show what the store holds, what its packs take, and what it has done',
  parts: ['store'],
  input: z.object({}),
  output: statSchema,
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  text: statText,
  run: async ({ store }) => store.stats(),
})

/** Explains a block. */
export const storeExplain = operation<Slice<'explain'>>()({
  name: 'store.explain',
  summary: 'Tell where a block lies, what keeps it, and when it would go',
  parts: ['store'],
  input: z.object({ cid: z.string().min(1).refine(isCid, 'is no CID').describe('CID of the block') }),
  output: z.object({
    cid: z.string(),
    state: z.enum(['kept', 'cache', 'damaged', 'absent', 'inline']),
    size: whole.optional(),
    pack: whole.optional().describe('Number of its pack'),
    offset: whole.optional().describe('Byte of the pack file at which it begins'),
    synced: z.boolean().optional().describe('Whether it survives a power loss'),
    claim: z.enum(['marked', 'leased', 'unclaimed', 'unknown']).optional(),
    packsBefore: whole.optional().describe('Packs that are dropped before its own'),
    why: z.string(),
  }),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  text: ({ cid, state, size, why }) =>
    `${cid}: ${state}${size === undefined ? '' : `, ${size} bytes`}. ${why}`,
  async run({ store }, input, { signal }) {
    const { cid, ...explanation } = await store.explain(CID.parse(input.cid), { signal })
    return { ...explanation, cid: cid.toString() }
  },
})

const damageLine = z.object({
  pack: whole.describe('Number of the pack'),
  offset: whole.describe('Byte of the pack file at which the damage begins'),
  bytes: whole,
  cid: z.string().optional().describe('The block, where its key could be read'),
  problem: z.enum(['mismatch', 'unreadable', 'footer']),
})

const verifySummary = z.object({
  items: whole.describe('Blocks and records that are in order'),
  failed: whole.describe('Damages; the first 1,000 have a line each'),
  packs: whole.describe('Packs that were checked'),
  bytes: whole.describe('Bytes that were read'),
})

/** How far a verification is: what has been found, and the last pack that was checked. */
const verifiedSchema = z.object({
  pack: whole.default(0),
  items: whole.default(0),
  failed: whole.default(0),
  packs: whole.default(0),
  bytes: whole.default(0),
})

/** Damages that have a line. */
const namedDamages = 1000

/** Checks all packs. */
export const storeVerify = operation<Slice<'verifyPacks'>>()({
  name: 'store.verify',
  summary: 'Read all packs and check every block; the last line sums up',
  parts: ['store'],
  input: z.object({
    bytesPerSecond: z.int().min(1).default(67_108_864).describe('bytes read in a second at most'),
  }),
  output: z.union([verifySummary, damageLine]),
  body: 'none',
  returns: 'lines',
  effect: 'read',
  scope: 'admin',
  doors: ['cli'],
  text: (line) =>
    'failed' in line
      ? `checked ${line.packs} packs (${line.bytes} bytes): ${line.items} in order, ${line.failed} damaged`
      : `pack ${line.pack}, byte ${line.offset}, ${line.bytes} bytes: ${line.problem}${line.cid === undefined ? '' : ` ${line.cid}`}`,
  async *run({ store }, { bytesPerSecond }, { signal, progress, resume }) {
    let { pack: afterPack, ...done } = verifiedSchema.parse(resume?.checkpoint ?? {})
    const before = done
    const onProgress = ({ bytes, blocks }: VerifyProgress): void =>
      progress({ stage: 'verifying', bytes: before.bytes + bytes, items: before.items + blocks })
    for await (const verified of store.verifyPacks({ bytesPerSecond, afterPack, signal, onProgress })) {
      for (const { cid, ...damage } of verified.damages.slice(0, Math.max(0, namedDamages - done.failed))) {
        yield cid === undefined ? damage : { ...damage, cid: cid.toString() }
      }
      done = {
        items: done.items + verified.blocks,
        failed: done.failed + verified.damagedBlocks,
        packs: done.packs + 1,
        bytes: done.bytes + verified.bytes,
      }
      await resume?.save({ ...done, pack: verified.pack })
    }
    yield done
  },
})

/** Rewrites packs. */
export const storeCompact = operation<Slice<'compact'>>()({
  name: 'store.compact',
  summary: 'Rewrite the kept packs that hold much that nobody claims, and give their room back',
  parts: ['store'],
  input: z.object({
    minDeadShare: z
      .number()
      .min(0)
      .max(1)
      .default(0.25)
      .describe('share of dead bytes from which on a pack is rewritten'),
  }),
  output: z.object({
    packs: whole.describe('Packs that were rewritten'),
    copiedBytes: whole,
    freedBytes: whole.describe('Bytes that the volume got back'),
  }),
  body: 'none',
  returns: 'value',
  effect: 'destructive',
  scope: 'admin',
  idempotent: true,
  doors: ['cli'],
  text: ({ packs, copiedBytes, freedBytes }) =>
    `rewrote ${packs} packs: ${copiedBytes} bytes copied, ${freedBytes} bytes freed`,
  run: ({ store }, input, { signal }) => store.compact({ ...input, signal }),
})

/** All entries of this package. */
export const storeOperations = [storeStat, storeExplain, storeVerify, storeCompact] as const

function isCid(text: string): boolean {
  try {
    CID.parse(text)
    return true
  } catch {
    return false
  }
}

function statText(stats: z.output<typeof statSchema>): string {
  const lines = [
    `entries   ${stats.entries} (${stats.bytes} bytes): ${stats.keptEntries} kept, ${stats.cacheEntries} cache`,
    `packs     ${stats.keptPacks} kept (${stats.keptPackBytes} bytes), ${stats.cachePacks} cache (${stats.cachePackBytes} bytes)`,
    `room      ${stats.packBytes} of ${stats.maxBytes} bytes`,
    `dead      ${stats.deadBytes} bytes in kept packs`,
    `index     ${stats.indexedEntries} entries in memory (${stats.indexBytes} bytes)`,
    `leases    ${stats.openLeases} open; ${stats.epoch} marks`,
    `read      ${stats.blocksRead} (${stats.bytesRead} bytes), ${stats.corruptReads} corrupt`,
    `written   ${stats.blocksWritten} (${stats.bytesWritten} bytes), ${stats.blocksFound} found; ${stats.syncs} syncs`,
    `evicted   ${stats.evictedPacks} packs (${stats.evictedBytes} bytes), ${stats.readmittedBytes} bytes readmitted`,
    `compacted ${stats.compactedPacks} packs, ${stats.copiedBytes} bytes copied`,
  ]
  if (stats.syncFailure !== undefined) lines.push(`failed    ${stats.syncFailure}`)
  return lines.join('\n')
}
