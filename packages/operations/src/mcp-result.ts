/** The answer of a tool: structured content, the same as text, and a resource link if the output names one. */
import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/server'
import { z } from 'zod'
import type { AnyOperation } from './operation.ts'

/** Lines that a tool of a `lines` entry answers at most. */
export const maxToolLines = 1_000

/** The first lines of an answer. */
export interface ToolLines {
  readonly lines: readonly unknown[]
  /** There was at least one more; the work behind it was ended. */
  readonly more: boolean
}

const resourceSchema = z.object({
  resource: z.object({
    uri: z.string(),
    name: z.string(),
    mimeType: z.string().optional(),
    size: z.number().optional(),
  }),
})

/** Takes at most {@link maxToolLines} lines and leaves the rest. */
export async function collectLines(answer: AsyncIterable<unknown>): Promise<ToolLines> {
  const lines: unknown[] = []
  for await (const line of answer) {
    if (lines.length === maxToolLines) return { lines, more: true }
    lines.push(line)
  }
  return { lines, more: false }
}

/** The result for an output that matches the schema of its entry. */
export function successResult(entry: AnyOperation, output: unknown): CallToolResult {
  const content: ContentBlock[] = [{ type: 'text', text: textOf(entry, output) }]
  const linked = resourceSchema.safeParse(output)
  if (linked.success) {
    const { uri, name, mimeType, size } = linked.data.resource
    content.push({
      type: 'resource_link',
      uri,
      name,
      ...(mimeType === undefined ? {} : { mimeType }),
      ...(size === undefined ? {} : { size }),
    })
  }
  return { content, structuredContent: output as Record<string, unknown> }
}

/** By the entry's `text`; JSON without it, or when it prints nothing. */
function textOf(entry: AnyOperation, output: unknown): string {
  const print = entry.text as ((value: unknown) => string | undefined) | undefined
  const values = entry.returns === 'lines' ? (output as ToolLines).lines : [output]
  const printed =
    print === undefined ? [] : values.map((value) => print(value)).filter((text) => text !== undefined)
  if (printed.length === 0) return JSON.stringify(output)
  if (entry.returns === 'lines' && (output as ToolLines).more)
    printed.push(`… more than ${maxToolLines} lines`)
  return printed.join('\n')
}
