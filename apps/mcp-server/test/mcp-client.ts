/** The official MCP client, over HTTP to a server. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { onTestFinished } from 'vitest'
import type { Site } from './serving.ts'

export const wires = ['2025-11-25', '2026-07-28'] as const
type Wire = (typeof wires)[number]

/** Connects to a server; leaves when the test has finished. */
export async function connect(
  wire: Wire,
  { server, token }: Pick<Site, 'server' | 'token'>,
): Promise<Client> {
  const client = new Client(
    { name: 'test', version: '0.0.0' },
    { versionNegotiation: wire === '2025-11-25' ? { mode: 'legacy' } : { mode: { pin: wire } } },
  )
  const requestInit = { headers: { authorization: `Bearer ${token}` } }
  await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', server.url), { requestInit }))
  onTestFinished(() => client.close())
  return client
}

/** The structured content of a tool's answer. */
export async function call(client: Client, name: string, input: Record<string, unknown> = {}): Promise<any> {
  const result = await client.callTool({ name, arguments: input })
  if (result.isError === true) throw new Error(JSON.stringify(result.content))
  return result.structuredContent
}

/** The text with which a tool refuses. */
export async function refusal(client: Client, name: string, input: Record<string, unknown>): Promise<string> {
  const { isError, content } = await client.callTool({ name, arguments: input })
  const [{ text } = { text: '' }] = content as { readonly text: string }[]
  if (isError !== true) throw new Error(`${name} has answered ${text}`)
  return text
}
