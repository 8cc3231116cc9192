/** Registers the entries of a table as tools of an MCP server, on both wires (2025-11-25 and 2026-07-28). */
import type {
  CallToolResult,
  McpServer,
  StandardSchemaWithJSON,
  ToolAnnotations,
} from '@modelcontextprotocol/server'
import { z } from 'zod'
import type { Caller } from './call.ts'
import { type Fault, OperationError, toFault } from './errors.ts'
import { collectLines, maxToolLines, successResult } from './mcp-result.ts'
import { type AnyOperation, doorsOf } from './operation.ts'

export { maxToolLines }

/** What {@link registerTools} takes. */
export interface ToolOptions {
  /** The table. Entries without the door `mcp` are left out, … */
  readonly operations: readonly AnyOperation[]
  /** … but for those with the door `mcp-opt-in` whose area is one of these: `fs` is that of `fs.ls`. Default: none. */
  readonly areas?: readonly string[]
  /** Answers the calls: the kit in this process, or a client of another one. */
  readonly caller: Caller
}

/**
 * Registers one tool for each entry with the door `mcp`, or `mcp-opt-in` and an area that is asked for, named `<area>_<verb>`. It is meant for the factory of a handler:
 * what can be shared between servers is made once.
 *
 * A tool answers with `structuredContent` in the shape of its output schema and with the same as text (by the entry's
 * `text`, else as JSON). A `lines` entry answers `{ lines, more }` with at most {@link maxToolLines} lines; `more` says
 * that there were others. An output with a key `resource` (`{ uri, name, mimeType, size }`) adds a resource link.
 * A fault becomes a result with `isError` and the text `CODE: message. next`. A client that cancels aborts the signal of
 * the call.
 *
 * @throws Error when a tool of this name is registered already
 */
export function registerTools(server: McpServer, options: ToolOptions): void {
  const { operations, areas = [] } = options
  for (const entry of operations) {
    const doors = doorsOf(entry)
    const isAsked = doors.includes('mcp-opt-in') && areas.some((area) => entry.name.startsWith(`${area}.`))
    if (!doors.includes('mcp') && !isAsked) continue
    const { name, config } = toolOf(entry)
    server.registerTool(name, config, async (input, ctx) => {
      try {
        return await callTool(entry, options.caller, input, ctx.mcpReq.signal)
      } catch (error) {
        return faultResult(toFault(error))
      }
    })
  }
}

async function callTool(
  entry: AnyOperation,
  caller: Caller,
  input: unknown,
  signal: AbortSignal,
): Promise<CallToolResult> {
  const answer: unknown = await caller.call(entry.name, input, { signal })
  const output = entry.returns === 'lines' ? await collectLines(answer as AsyncIterable<unknown>) : answer
  const checked = outputSchemaOf(entry).safeParse(output)
  if (!checked.success) {
    throw new OperationError(
      'OPERATION_INTERNAL',
      `${entry.name} answered something else than its schema says`,
      {
        cause: checked.error,
      },
    )
  }
  return successResult(entry, checked.data)
}

interface Tool {
  readonly name: string
  readonly config: {
    title: string
    description: string
    inputSchema: StandardSchemaWithJSON
    outputSchema: StandardSchemaWithJSON
    annotations: ToolAnnotations
  }
}

const tools = new WeakMap<AnyOperation, Tool>()
const lineSchemas = new WeakMap<AnyOperation, z.ZodType>()

function toolOf(entry: AnyOperation): Tool {
  const known = tools.get(entry)
  if (known !== undefined) return known
  const input = entry.input as z.ZodObject
  const tool: Tool = {
    name: entry.name.replace('.', '_'),
    config: {
      title: entry.summary,
      description: entry.summary,
      inputSchema: advertised(input.strict()),
      outputSchema: advertised(outputSchemaOf(entry)),
      annotations: {
        title: entry.summary,
        readOnlyHint: entry.effect === 'read',
        destructiveHint: entry.effect === 'destructive',
        idempotentHint: entry.idempotent ?? entry.effect === 'read',
        openWorldHint: false,
      },
    },
  }
  tools.set(entry, tool)
  return tool
}

function outputSchemaOf(entry: AnyOperation): z.ZodType {
  const line = entry.output as z.ZodType
  if (entry.returns !== 'lines') return line
  let schema = lineSchemas.get(entry)
  if (schema === undefined) {
    schema = z.object({
      lines: z.array(line),
      more: z.boolean().describe(`There were more than the ${maxToolLines} lines that a tool answers`),
    })
    lineSchemas.set(entry, schema)
  }
  return schema
}

/**
 * A schema that the server shows and does not apply: the caller checks the input and the tool the output, each once
 * (twice would apply a transform twice), and a refusal then has the same code as at every other door.
 */
function advertised(schema: z.ZodType): StandardSchemaWithJSON {
  const { jsonSchema } = (schema as unknown as StandardSchemaWithJSON)['~standard']
  return { '~standard': { version: 1, vendor: 'ipfs-kit', validate: (value) => ({ value }), jsonSchema } }
}

/**
 * No structured content: its schema describes successes, and clients of older SDKs hold every structured content to it.
 */
function faultResult(fault: Fault): CallToolResult {
  const message = /[.!?]$/.test(fault.message) ? fault.message : `${fault.message}.`
  return { content: [{ type: 'text', text: `${fault.code}: ${message} ${fault.next}` }], isError: true }
}
