/** A server in this process and the official client on one of the two wires, for the tests of the tools. */
import { Client, InMemoryTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { type AnyOperation, createCaller } from '@ipfs-kit/operations'
import { registerTools } from '@ipfs-kit/operations/mcp'

export const wires = ['2025-11-25', '2026-07-28'] as const
export type Wire = (typeof wires)[number]

/**
 * Connects a client to a server that offers these entries, by HTTP requests that do not leave the process or by a pipe
 * in memory (the older wire only).
 */
export async function connect(
  wire: Wire,
  operations: readonly AnyOperation[],
  transport: 'http' | 'pipe',
  areas?: readonly string[],
) {
  const caller = createCaller({
    operations,
    borrow: () => ({ parts: {}, signal: new AbortController().signal, release() {} }),
  })
  const createServer = () => {
    const server = new McpServer({ name: 'test', version: '0.0.0' })
    registerTools(server, { operations, caller, ...(areas && { areas }) })
    return server
  }
  const client = new Client(
    { name: 'test-client', version: '0.0.0' },
    { versionNegotiation: wire === '2025-11-25' ? { mode: 'legacy' } : { mode: { pin: wire } } },
  )
  if (transport === 'pipe') {
    const [near, far] = InMemoryTransport.createLinkedPair()
    await createServer().connect(far)
    await client.connect(near)
    return { client, close: () => client.close() }
  }
  const handler = createMcpHandler(createServer, { legacy: 'stateless' })
  await client.connect(
    new StreamableHTTPClientTransport(new URL('http://127.0.0.1:1/mcp'), {
      fetch: (url, init) => handler.fetch(new Request(url, init)),
    }),
  )
  return {
    client,
    async close() {
      await client.close()
      await handler.close()
    },
  }
}
