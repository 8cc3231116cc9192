/** Operations on the node itself: how it is, what it does, and restarting a part of it. */
import { operation, type CallRecord } from '@ipfs-kit/operations'
import { z } from 'zod'
import { rememberedCalls } from './call-log.ts'
import type { PartStatus } from './parts.ts'

const partSchema = z.object({
  name: z.string().describe('Name of the part'),
  state: z
    .enum(['running', 'restarting', 'failed', 'closed'])
    .describe('failed: it could not be opened or closed; restart it'),
  since: z.iso.datetime().describe('When it came into this state'),
  restarts: z.int().describe('Restarts that brought it back'),
  abandonedCalls: z.int().describe('Calls that went on after the grace time of a restart'),
  error: z.object({ code: z.string(), message: z.string() }).optional().describe('Why it has failed'),
})

const migrationSchema = z.object({
  state: z
    .enum(['running', 'done', 'stopped'])
    .describe('stopped: it goes on when there is room, or when the node is opened again'),
  blocks: z.int().describe('Blocks that were moved since the node was opened'),
  ofBlocks: z
    .int()
    .optional()
    .describe(
      'These, those that are damaged, and those that are to be moved still; absent until they are counted',
    ),
  copied: z.int().describe('Blocks that were copied, whether their files are removed yet or not'),
  bytes: z.int().describe('Bytes of the blocks that were moved'),
  damaged: z.int().describe('Files that do not hold their block; they are kept in blocks/damaged'),
  left: z.int().describe('Files that the disk refuses to read or to remove; they stay where they are'),
  bytesPerSecond: z.number().describe('Bytes moved in a second'),
  error: z.object({ code: z.string(), message: z.string() }).optional().describe('Why it has stopped'),
})

const statusSchema = z.object({
  version: z.string().describe('Version of ipfs-kit'),
  role: z.enum(['server', 'command']).describe('server: others join it; command: it ends by itself'),
  pid: z.int().describe('Process id'),
  home: z.string().describe('Folder that holds everything of this node'),
  startedAt: z.iso.datetime().describe('When the node was opened'),
  uptimeSeconds: z.number().describe('Seconds since then'),
  network: z.enum(['offline']).describe('offline: content comes from the local store only'),
  url: z.string().optional().describe('Address of the API, of a server that is ready'),
  gatewayUrl: z.string().optional().describe('Address of the gateway, of a server that is ready'),
  runningCalls: z.int().describe('Operations that run now, this one included'),
  parts: z.array(partSchema.pick({ name: true, state: true })).describe('The parts and their states'),
  migration: migrationSchema
    .optional()
    .describe('How far the blocks of an older version are moved into packs, if there were any'),
})

/** What `node.status` answers. */
export type NodeStatus = z.output<typeof statusSchema>

/** The slice of the kit that these operations use, lent under the name `node`. */
export interface NodeView {
  status(): NodeStatus
  parts(): readonly PartStatus[]
  /** The signal ends the waiting, not the restart. */
  restart(name: string, signal: AbortSignal): Promise<PartStatus>
  /** The newest first. */
  calls(limit: number): readonly CallRecord[]
}

const status = operation<{ node: Pick<NodeView, 'status'> }>()({
  name: 'node.status',
  summary: 'Show version, home, addresses and state of the node',
  parts: ['node'],
  input: z.object({}),
  output: statusSchema,
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  command: { name: 'status' },
  text: (node) =>
    [
      `ipfs-kit ${node.version}, ${node.role} with pid ${node.pid}, up ${Math.floor(node.uptimeSeconds)} s`,
      `home     ${node.home}`,
      `network  ${node.network}`,
      ...(node.url === undefined ? [] : [`api      ${node.url}`]),
      ...(node.gatewayUrl === undefined ? [] : [`gateway  ${node.gatewayUrl}`]),
      ...node.parts.map((part) => `part     ${part.name}: ${part.state}`),
      ...(node.migration === undefined ? [] : [`blocks   ${migrationText(node.migration)}`]),
    ].join('\n'),
  run: async ({ node }) => node.status(),
})

const parts = operation<{ node: Pick<NodeView, 'parts'> }>()({
  name: 'node.parts',
  summary: 'List the parts of the node with their states',
  parts: ['node'],
  input: z.object({}),
  output: partSchema,
  body: 'none',
  returns: 'lines',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  text: partText,
  run: async function* ({ node }) {
    yield* node.parts()
  },
})

const restart = operation<{ node: Pick<NodeView, 'restart'> }>()({
  name: 'node.restart',
  summary: 'Restart a part of the node; the calls that use it are cancelled',
  parts: ['node'],
  input: z.object({ part: z.string().min(1).max(100).describe('Name of the part, as node.parts lists it') }),
  output: partSchema,
  body: 'none',
  returns: 'value',
  effect: 'write',
  scope: 'admin',
  doors: ['cli'],
  text: partText,
  run: ({ node }, input, { signal }) => node.restart(input.part, signal),
})

const operations = operation<{ node: Pick<NodeView, 'calls'> }>()({
  name: 'node.operations',
  summary: `List the last calls, newest first; ${rememberedCalls.toLocaleString('en')} are remembered`,
  parts: ['node'],
  input: z.object({
    limit: z.int().min(1).max(rememberedCalls).default(100).describe('How many calls at most'),
  }),
  output: z.object({
    requestId: z.string().describe('The id under which the call is logged'),
    name: z.string().describe('Name of the operation'),
    startedAt: z.iso.datetime().describe('When the call began'),
    durationMs: z.number().describe('Milliseconds until its last line or byte was taken'),
    code: z.string().describe('OK, or the code of its error'),
  }),
  body: 'none',
  returns: 'lines',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  command: { name: 'operations' },
  text: (call) =>
    `${call.startedAt}  ${call.requestId}  ${call.name}  ${call.durationMs.toFixed(1)} ms  ${call.code}`,
  run: async function* ({ node }, input) {
    for (const call of node.calls(input.limit)) {
      yield { ...call, startedAt: new Date(call.startedAt).toISOString() }
    }
  },
})

/** The entries of the node itself. */
export const nodeOperations = [status, parts, restart, operations] as const

function partText(part: z.output<typeof partSchema>): string {
  const error = part.error === undefined ? '' : `  ${part.error.code}: ${part.error.message}`
  return `${part.name}  ${part.state} since ${part.since}, restarts ${part.restarts}${error}`
}

function migrationText(migration: z.output<typeof migrationSchema>): string {
  const { state, blocks, ofBlocks = '?', bytes, damaged, left, bytesPerSecond, error } = migration
  const kept = (damaged === 0 ? '' : `, ${damaged} damaged`) + (left === 0 ? '' : `, ${left} left`)
  const why = error === undefined ? '' : `; ${error.code}: ${error.message}`
  return `move into packs ${state}: ${blocks} of ${ofBlocks} (${bytes} bytes, ${bytesPerSecond} a second)${kept}${why}`
}
