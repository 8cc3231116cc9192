/**
 * The table as MCP tools.
 *
 * @packageDocumentation
 */
export { maxToolLines, registerTools } from './mcp-tools.ts'
export type { ToolOptions } from './mcp-tools.ts'
