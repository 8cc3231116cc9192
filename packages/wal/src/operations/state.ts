/** `wal.stats`, `wal.config`: how the log is. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import type { WalError } from '../errors.ts'
import type { WalStats } from '../wal/wal.ts'
import { at, count, failure, state } from './fields.ts'
import type { WalSlice } from './part.ts'

/** What is known of a backend. */
export const backendSchema = z.object({
  backend: z.string(),
  state: z.enum(['online', 'degraded', 'offline']),
  since: at,
  evidence: z.string().describe('Of the last real probe or attempt'),
  running: count.describe('Attempts under way'),
  limit: count,
  nextProbeAt: at.optional(),
})

const countSchema = z.object({ state, type: z.string(), backend: z.string(), operations: count })

/** The numbers of a log. */
export const statsSchema = z.object({
  epoch: count.describe('How often it was opened'),
  unfinished: count,
  running: count.describe('Attempts under way'),
  stuck: count.describe('Of these: whose handlers go on long after they were cancelled'),
  stopped: z.string().optional().describe('Why nothing is begun and written any more'),
  refused: z.string().optional().describe('Why the disk did not take what was written last'),
  draining: z.boolean().describe('It is closing: nothing is begun any more'),
  followers: count,
  completed: count.describe('Since it was opened, as the two that follow'),
  failed: count,
  retried: count,
  operations: z.array(countSchema).readonly(),
  backends: z.array(backendSchema).readonly(),
  log: z.object({
    state: z.enum(['open', 'stopped', 'closed']),
    mode: z.enum(['always', 'interval', 'os']),
    firstLsn: count,
    nextLsn: count,
    durableLsn: count.describe('All records up to it survive a power loss'),
    segments: count,
    bytes: count,
    syncs: count,
    batches: count,
    records: count,
    loss: z
      .object({ records: count, bytes: count, maxMs: z.number().optional(), maxBytes: count })
      .describe('What a power loss would take now, and at most'),
    queue: z.object({ appends: count, bytes: count, waiting: count }),
    lastFailure: failure.optional(),
  }),
  index: z.object({
    appliedLsn: count,
    lagMs: z.number(),
    queuedBytes: count,
    operations: count,
    unfinished: count,
    unfinishedBytes: count,
    recovering: count,
    isFull: z.boolean().describe('It waits for room on the volume, and goes on by itself'),
  }),
  store: z.object({
    snapshotLsn: count.optional().describe('All up to it is in the snapshot'),
    checkpoints: count.describe('Since it was opened'),
    checkpointFailure: failure.optional().describe('Why the last one failed'),
    slowed: count.describe('Appends that wait for the index or for a checkpoint'),
  }),
})

/** The numbers of a log, as they are shown. */
export type ShownStats = z.output<typeof statsSchema>

/** Tells the numbers. */
export const walStats = operation<WalSlice<'stats'>>()({
  name: 'wal.stats',
  summary: 'Show the numbers of the log, its index, its executor and the backends',
  parts: ['wal'],
  input: z.object({}),
  output: statsSchema,
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  text: statsText,
  run: async ({ wal }) => shownStats(wal.stats()),
})

/** Options by their names. */
export const configSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))

/** Options, a line each. */
export function configText(config: z.output<typeof configSchema>): string {
  return Object.entries(config)
    .map(([name, value]) => `${name}  ${value}`)
    .join('\n')
}

/** Tells the options. */
export const walConfig = operation<WalSlice<'config'>>()({
  name: 'wal.config',
  summary: 'Show the options that the log was opened with, defaults included',
  parts: ['wal'],
  input: z.object({}),
  output: configSchema,
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  text: configText,
  run: async ({ wal }) => ({ ...wal.config }),
})

/** The numbers as they are shown: of a failure its code and message. */
export function shownStats(stats: WalStats): ShownStats {
  const { stopped, refused, log, store, ...rest } = stats
  const { lastFailure, ...numbers } = log
  const { checkpointFailure, ...checkpoints } = store
  return {
    ...rest,
    ...(stopped !== undefined && { stopped }),
    ...(refused !== undefined && { refused }),
    log: { ...numbers, ...(lastFailure && { lastFailure: shownFailure(lastFailure) }) },
    store: {
      ...checkpoints,
      ...(checkpointFailure && { checkpointFailure: shownFailure(checkpointFailure) }),
    },
  }
}

function shownFailure({ code, message }: WalError): z.output<typeof failure> {
  return { code, message }
}

function statsText({ log, index, store, operations, backends, ...own }: ShownStats): string {
  return [
    `log  ${log.state}, mode ${log.mode}: LSN ${log.firstLsn} to ${log.nextLsn - 1}, ${log.segments} segments (${log.bytes} bytes)`,
    `index  ${index.operations} operations, ${index.unfinished} unfinished; ${index.lagMs} ms behind`,
    `snapshot  ${store.snapshotLsn === undefined ? 'none' : `to LSN ${store.snapshotLsn}`}, ${store.checkpoints} written since opening; ${store.slowed} appends wait`,
    `since opening ${own.epoch}  ${own.completed} completed, ${own.failed} failed, ${own.retried} tried again; ${own.running} run`,
    ...operations.map(({ state: its, type, backend, operations: number }) =>
      [its, type, ...(backend === '' ? [] : [backend]), String(number)].join('  '),
    ),
    ...backends.map(
      ({ backend, state: its, running, limit }) => `${backend}  ${its}, ${running} of ${limit} run`,
    ),
  ].join('\n')
}
