/**
 * The server of ipfs-kit as a function: `openServer` opens a home and serves it over REST, MCP and the gateway.
 *
 * @packageDocumentation
 */
export { ServerError, serverErrors } from './errors.ts'
export type { ServerErrorCode } from './errors.ts'
export { openServer } from './main.ts'
export type { Server } from './main.ts'
export { mcpServers } from './mcp-tools.ts'
export type { McpToolsOptions } from './mcp-tools.ts'
export type { ServerOptions } from './options.ts'
