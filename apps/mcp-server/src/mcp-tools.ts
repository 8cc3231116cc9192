/** The MCP server over a caller, for HTTP and for stdio alike. */
import type { AnyOperation, Caller, Scope } from '@ipfs-kit/operations'
import { registerTools } from '@ipfs-kit/operations/mcp'
import type { McpServerFactory } from '@modelcontextprotocol/server'

/** What {@link mcpServers} takes. */
export interface McpToolsOptions {
  readonly operations: readonly AnyOperation[]
  readonly caller: Caller
  readonly version: string
  /** Areas whose operations are tools because somebody asks for them. Default: none. */
  readonly areas?: readonly string[]
}

/** Makes MCP servers with the tools that the scopes of who asks allow; without identity (stdio) with all. */
export function mcpServers({ operations, caller, version, areas = [] }: McpToolsOptions): McpServerFactory {
  return async ({ authInfo }) => {
    // Loaded when the first agent comes: a start does not wait for it.
    const { McpServer } = await import('@modelcontextprotocol/server')
    const server = new McpServer({ name: 'ipfs-kit', version })
    const allowed =
      authInfo === undefined ? operations : operations.filter(({ scope }) => allows(authInfo.scopes, scope))
    registerTools(server, { operations: allowed, caller, areas })
    return server
  }
}

function allows(scopes: readonly string[], scope: Scope): boolean {
  return scopes.includes(scope)
}
