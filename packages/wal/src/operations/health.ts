/** `wal.health`: whether the log takes operations, the backends answer, and what opening has found was no loss. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import type { WalFinding, WalStats } from '../wal/wal.ts'
import { count } from './fields.ts'
import type { WalSlice } from './part.ts'
import { backendSchema } from './state.ts'
import { finding, findingLine } from './verify.ts'

/** What is not as the store has left it. */
const storeFinding = z.object({
  kind: z.enum(['index', 'snapshot', 'no-snapshot', 'cid']),
  message: z.string(),
  lostThrough: count.optional().describe('What was known up to this LSN is lost, but for what could be read'),
})

/** What opening has found. */
export const openingFinding = z.union([finding, storeFinding])

/** A second behind, an index slows those who append. */
const lateMs = 1000

/** Tells whether all is well. */
export const walHealth = operation<WalSlice<'stats' | 'findings'>>()({
  name: 'wal.health',
  summary: 'Show whether the log takes operations, has lost some, and the backends answer',
  parts: ['wal'],
  input: z.object({}),
  output: z.object({
    state: z.enum(['healthy', 'degraded', 'stopped']).describe('stopped: it takes nothing any more'),
    problems: z.array(z.string()),
    findings: z
      .array(openingFinding)
      .readonly()
      .describe('What opening has found; a torn tail and an index made anew are no loss'),
    backends: z.array(backendSchema).readonly(),
  }),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  text: ({ state: now, problems, backends }) =>
    [
      now,
      ...problems.map((problem) => `  ${problem}`),
      ...backends.map(({ backend, state: its, evidence }) => `${backend}  ${its}  ${evidence}`),
    ].join('\n'),
  run: async ({ wal }) => healthOf(wal.stats(), wal.findings),
})

/** What of that which opening has found is a loss, or a damage that may have been one. */
export function problemsOf(findings: readonly WalFinding[]): string[] {
  return findings.flatMap((found) => {
    // What was never acknowledged, or is derived, is not lost.
    if (found.kind === 'torn-tail' || found.kind === 'index') return []
    if (!('message' in found)) return [`opening has found: ${findingLine(found)}`]
    const { message, lostThrough } = found
    const lost = lostThrough === undefined ? '' : `; what was known up to LSN ${lostThrough} is lost`
    return [`opening has found: ${message}${lost}`]
  })
}

function healthOf(stats: WalStats, findings: readonly WalFinding[]) {
  const { log, index, store, backends, draining, stopped, refused, stuck } = stats
  const { checkpointFailure } = store
  const problems = [
    ...(log.state === 'open' ? [] : [`the log is ${log.state}: open it again`]),
    ...(stopped === undefined ? [] : [stopped]),
    ...(refused === undefined ? [] : [`what was to be written last was not: ${refused}`]),
    ...problemsOf(findings),
    ...(checkpointFailure === undefined
      ? []
      : [`no snapshot can be written: ${checkpointFailure.code}: ${checkpointFailure.message}`]),
    ...(stuck === 0 ? [] : [`${stuck} handlers go on after they were cancelled`]),
    ...(draining ? ['it is closing'] : []),
    ...(index.isFull ? ['the index waits for room: the volume is full'] : []),
    ...(index.lagMs > lateMs ? [`the index is ${index.lagMs} ms behind`] : []),
    ...backends.flatMap(({ backend, state: its, evidence }) =>
      its === 'online' ? [] : [`${backend} is ${its}: ${evidence}`],
    ),
  ]
  const isTaking = log.state === 'open' && stopped === undefined && !draining
  const now = isTaking ? (problems.length === 0 ? 'healthy' : 'degraded') : 'stopped'
  return { state: now, problems, findings, backends } as const
}
