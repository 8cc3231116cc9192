/** What the command line tells of a log that nobody has open: `status`, `follow`, `health`, `metrics`. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import { WalError } from '../errors.ts'
import type { ViewStats, WalView } from '../wal/view.ts'
import { count, filterFields, filterOf, operationId, state } from './fields.ts'
import { followLine, lineOf, lineText } from './follow.ts'
import { openingFinding, problemsOf } from './health.ts'
import { configSchema, configText } from './state.ts'
import { findingLine } from './verify.ts'

type ViewSlice<Calls extends keyof WalView> = { readonly wal: Pick<WalView, Calls> }

const statusSchema = z.object({
  firstLsn: count,
  nextLsn: count,
  segments: count,
  bytes: count,
  epoch: count.describe('How often it was opened'),
  operations: z
    .array(z.object({ state, type: z.string(), backend: z.string(), operations: count }))
    .readonly(),
  findings: z.array(openingFinding).readonly(),
})

const common = {
  parts: ['wal'],
  input: z.object({}),
  body: 'none',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
} as const

/** Tells what is in the folder. */
const viewStatus = operation<ViewSlice<'stats'>>()({
  ...common,
  name: 'wal.status',
  summary: 'Show what is in the log: its records, and how many operations are in which state',
  output: statusSchema,
  returns: 'value',
  command: { name: 'status' },
  text: (stats) =>
    [
      `LSN ${stats.firstLsn} to ${stats.nextLsn - 1} in ${stats.segments} segments (${stats.bytes} bytes), opened ${stats.epoch} times`,
      ...stats.operations.map(({ operations, ...of }) => `${groupName(of)}  ${operations}`),
      ...stats.findings.map((found) => ('message' in found ? found.message : findingLine(found))),
    ].join('\n'),
  run: async ({ wal }) => ({ ...wal.stats() }),
})

/** Tells what has changed. */
const viewFollow = operation<ViewSlice<'changes'>>()({
  ...common,
  name: 'wal.follow',
  summary:
    'Show the changes that the log has, up to its end; while a server has it, follow with ipfs-kit jobs',
  input: z.object({
    id: operationId.optional().describe('one operation; default all'),
    from: z.int().min(1).optional().describe('LSN of the first change; default the first that there is'),
    ...filterFields,
  }),
  output: followLine,
  returns: 'lines',
  command: { name: 'follow', arguments: ['id'] },
  text: lineText,
  async *run({ wal }, { id, from, ...filter }, { signal }) {
    const asked = {
      ...filterOf(filter),
      ...(id !== undefined && { id }),
      ...(from !== undefined && { from }),
    }
    for await (const change of wal.changes({ ...asked, signal })) {
      yield lineOf(change, 'at' in change ? change.at : Date.now())
    }
  },
})

/** Tells whether the log is whole. */
const viewHealth = operation<ViewSlice<'stats'>>()({
  ...common,
  name: 'wal.health',
  summary: 'Show whether the log is whole and what has failed',
  output: z.object({
    state: z.enum(['healthy', 'degraded']).describe('degraded: see verify; what is behind a damage is read'),
    problems: z.array(z.string()),
    findings: count.describe('With what is no problem, such as the torn tail that a crash leaves'),
    unfinished: count,
    failed: count.describe('Operations that are not tried again by themselves'),
  }),
  returns: 'value',
  command: { name: 'health' },
  text: ({ state: now, problems, findings, unfinished, failed }) =>
    [
      `${now}, ${findings} findings; ${unfinished} unfinished, ${failed} failed`,
      ...problems.map((problem) => `  ${problem}`),
    ].join('\n'),
  async run({ wal }) {
    const { findings, operations } = wal.stats()
    const problems = problemsOf(findings)
    const open = ['queued', 'running', 'retrying']
    return {
      state: problems.length === 0 ? 'healthy' : 'degraded',
      problems,
      findings: findings.length,
      unfinished: sumOf(operations, (of) => open.includes(of)),
      failed: sumOf(operations, (of) => of === 'failed'),
    } as const
  },
})

/** Tells the numbers by name. */
const viewMetrics = operation<ViewSlice<'stats'>>()({
  ...common,
  name: 'wal.metrics',
  summary: 'Show the numbers of the log, a line each, as Prometheus writes them',
  output: z.object({
    name: z.string(),
    labels: z.record(z.string(), z.string()).optional(),
    value: z.number(),
  }),
  returns: 'lines',
  command: { name: 'metrics' },
  text: ({ name, labels = {}, value }) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}=${JSON.stringify(text)}`)
    return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`
  },
  async *run({ wal }) {
    const { operations, findings, ...numbers } = wal.stats()
    yield { name: 'wal_first_lsn', value: numbers.firstLsn }
    yield { name: 'wal_next_lsn', value: numbers.nextLsn }
    yield { name: 'wal_segments', value: numbers.segments }
    yield { name: 'wal_bytes', value: numbers.bytes }
    yield { name: 'wal_findings', value: findings.length }
    for (const { operations: value, ...labels } of operations) yield { name: 'wal_operations', labels, value }
  },
})

/** Tells the options. */
const viewConfig = operation<ViewSlice<'config'>>()({
  ...common,
  name: 'wal.config',
  summary: 'Show the options of the last process that ran the operations of this log',
  output: configSchema,
  returns: 'value',
  command: { name: 'config' },
  text: configText,
  async run({ wal }) {
    if (wal.config !== undefined) return { ...wal.config }
    throw new WalError('WAL_NOT_FOUND', 'No process that ran operations has told its options to this log')
  },
})

/** The commands of a view. */
export const viewOperations = [viewStatus, viewFollow, viewHealth, viewMetrics, viewConfig] as const

function groupName({ state: its, type, backend }: { state: string; type: string; backend: string }): string {
  return [its, type, ...(backend === '' ? [] : [backend])].join('  ')
}

function sumOf(counts: ViewStats['operations'], isMeant: (state: string) => boolean): number {
  return counts.reduce((sum, one) => sum + (isMeant(one.state) ? one.operations : 0), 0)
}
