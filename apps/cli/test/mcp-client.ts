/** The official MCP client on both wires, over HTTP to a server and over the standard streams of `ipfs-kit mcp`. */
import { join } from 'node:path'
import { type CallToolResult, Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { appFolder } from './command.ts'
import type { TestServer } from './server.ts'

export const wires = ['2025-11-25', '2026-07-28'] as const
export type Wire = (typeof wires)[number]

/** A connected client. */
export interface Agent {
  readonly client: Client
  /** The structured content of a tool's answer; fails when the tool has failed. */
  call<T = Record<string, unknown>>(tool: string, input?: Record<string, unknown>): Promise<T>
  /** The whole answer, also of a tool that has failed. */
  answer(tool: string, input?: Record<string, unknown>): Promise<CallToolResult>
  /** Over the standard streams it ends the process. */
  close(): Promise<void>
}

const open = new Set<Agent>()

/** Closes the clients that are still connected. */
export async function closeAgents(): Promise<void> {
  for (const agent of open) await agent.close()
}

/** Connects to `/mcp` of a server. */
export async function agentOverHttp(
  { url, token }: Pick<TestServer, 'url' | 'token'>,
  wire: Wire,
): Promise<Agent> {
  const client = newClient(wire)
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${url}/mcp`), {
      requestInit: { headers: { authorization: `Bearer ${token}` } },
    }),
  )
  return agentOf(client)
}

/** Starts `ipfs-kit mcp` on a home. To `negotiate` the wire, the client starts a first process only to ask. */
export async function agentOverStdio(
  home: string,
  wire: Wire | 'negotiate',
): Promise<Agent & { readonly pid: number }> {
  const client = newClient(wire)
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [
      '--conditions=@ipfs-kit/source',
      join(appFolder, 'src/main.ts'),
      '--home',
      home,
      'mcp',
      '--wait',
      '100',
    ],
    env: {
      PATH: process.env['PATH'] ?? '',
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? '',
    },
  })
  await client.connect(transport)
  const { pid } = transport
  if (pid === null) throw new Error('The server has ended at once')
  return Object.assign(agentOf(client), { pid })
}

function newClient(wire: Wire | 'negotiate'): Client {
  const modes = { '2025-11-25': 'legacy', '2026-07-28': { pin: '2026-07-28' }, negotiate: 'auto' } as const
  return new Client({ name: 'cli-tests', version: '0.0.0' }, { versionNegotiation: { mode: modes[wire] } })
}

function agentOf(client: Client): Agent {
  const answer: Agent['answer'] = async (name, input = {}) =>
    (await client.callTool({ name, arguments: input })) as CallToolResult
  const agent: Agent = {
    client,
    answer,
    async call<T>(tool: string, input?: Record<string, unknown>): Promise<T> {
      const result = await answer(tool, input)
      if (result.isError === true) throw new Error(`${tool} failed: ${JSON.stringify(result.content)}`)
      return result.structuredContent as T
    },
    async close() {
      if (open.delete(agent)) await client.close()
    },
  }
  open.add(agent)
  return agent
}
