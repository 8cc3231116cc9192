import { type AnyOperation, operation, OperationError } from '@ipfs-kit/operations'
import { maxToolLines } from '@ipfs-kit/operations/mcp'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { connect, type Wire, wires } from './mcp-wires.ts'

const itemSchema = z.object({ number: z.int().describe('Position from 0') })

const add = operation<object>()({
  name: 'sums.add',
  summary: 'Add two numbers',
  parts: [],
  input: z.object({ a: z.number().describe('The first'), b: z.number().default(1).describe('The second') }),
  output: z.object({ sum: z.number() }),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  run: async (_parts, { a, b }) => ({ sum: a + b, secret: 'not in the schema' }),
})

const list = operation<object>()({
  name: 'items.list',
  summary: 'List items',
  parts: [],
  input: z.object({ count: z.int() }),
  output: itemSchema,
  body: 'none',
  returns: 'lines',
  effect: 'write',
  scope: 'content:write',
  idempotent: true,
  text: ({ number }) => (number === 0 ? undefined : `item ${number}`),
  run: async function* (_parts, { count }) {
    for (let number = 0; number < count; number++) yield { number }
  },
})

const remove = operation<object>()({
  name: 'items.rm',
  summary: 'Remove an item',
  parts: [],
  input: z.object({ name: z.string() }),
  output: z.object({}),
  body: 'none',
  returns: 'value',
  effect: 'destructive',
  scope: 'admin',
  run: async (_parts, { name }) => {
    if (name === 'defect') throw new Error('a path of this machine')
    throw new OperationError('OPERATION_UNKNOWN', `There is no item ${name}`)
  },
})

const read = operation<object>()({
  name: 'items.read',
  summary: 'Read an item',
  parts: [],
  input: z.object({}),
  output: z.object({
    resource: z.object({ uri: z.string(), name: z.string(), mimeType: z.string(), size: z.number() }),
  }),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  run: async () => ({ resource: { uri: 'ipfs://cid', name: 'photo.jpg', mimeType: 'image/jpeg', size: 3 } }),
})

const liar = operation<object>()({
  name: 'items.lie',
  summary: 'Answer something else',
  parts: [],
  input: z.object({}),
  output: z.object({ sum: z.number() }),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  run: async () => ({ sum: 'three' as unknown as number }),
})

const shellOnly = operation<object>()({
  name: 'items.cat',
  summary: 'Print an item',
  parts: [],
  input: z.object({}),
  output: z.never(),
  body: 'none',
  returns: 'bytes',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  run: async () => ({ mediaType: 'text/plain', body: (async function* () {})() }),
})

const table = [add, list, remove, read, liar, shellOnly]

describe.each(wires)('tools over %s', (wire) => {
  test('the client speaks this wire', async () => {
    await using session = await opened(wire)
    expect(session.client.getNegotiatedProtocolVersion()).toBe(wire)
  })

  test('each entry with the door mcp is a tool with schemas and all annotations', async () => {
    await using session = await opened(wire)
    const { tools } = await session.client.listTools()
    expect(tools.map((tool) => tool.name)).toEqual([
      'sums_add',
      'items_list',
      'items_rm',
      'items_read',
      'items_lie',
    ])
    expect(tools[0]).toMatchObject({
      title: 'Add two numbers',
      description: 'Add two numbers',
      inputSchema: {
        type: 'object',
        properties: { a: { type: 'number', description: 'The first' }, b: { default: 1 } },
        required: ['a'],
        additionalProperties: false,
      },
      outputSchema: { type: 'object', properties: { sum: { type: 'number' } }, required: ['sum'] },
    })
    expect(tools[1]?.outputSchema).toMatchObject({
      properties: { lines: { type: 'array', items: { type: 'object' } }, more: { type: 'boolean' } },
    })
    expect(tools.slice(0, 3).map((tool) => tool.annotations)).toEqual([
      {
        title: 'Add two numbers',
        readOnlyHint: true,
        destructiveHint: false,
        idempotentHint: true,
        openWorldHint: false,
      },
      {
        title: 'List items',
        readOnlyHint: false,
        destructiveHint: false,
        idempotentHint: true,
        openWorldHint: false,
      },
      {
        title: 'Remove an item',
        readOnlyHint: false,
        destructiveHint: true,
        idempotentHint: false,
        openWorldHint: false,
      },
    ])
  })

  test('a value comes as structured content and as JSON text, without keys that its schema does not have', async () => {
    await using session = await opened(wire)
    const result = await session.client.callTool({ name: 'sums_add', arguments: { a: 2 } })
    expect(result.structuredContent).toEqual({ sum: 3 })
    expect(result.content).toEqual([{ type: 'text', text: '{"sum":3}' }])
    expect(result.isError).toBeUndefined()
  })

  test('lines come with the text of the entry', async () => {
    await using session = await opened(wire)
    const result = await session.client.callTool({ name: 'items_list', arguments: { count: 3 } })
    expect(result.structuredContent).toEqual({
      lines: [{ number: 0 }, { number: 1 }, { number: 2 }],
      more: false,
    })
    expect(result.content).toEqual([{ type: 'text', text: 'item 1\nitem 2' }])
  })

  test('lines without a text to print come as JSON', async () => {
    await using session = await opened(wire)
    const result = await session.client.callTool({ name: 'items_list', arguments: { count: 1 } })
    expect(result.content).toEqual([{ type: 'text', text: '{"lines":[{"number":0}],"more":false}' }])
  })

  test.each([
    [maxToolLines, maxToolLines, false],
    [maxToolLines + 1, maxToolLines, true],
  ])('of %i lines %i are answered, more: %s', async (count, answered, more) => {
    await using session = await opened(wire)
    const result = await session.client.callTool({ name: 'items_list', arguments: { count } })
    const structured = result.structuredContent as { lines: unknown[]; more: boolean }
    expect(structured.lines).toHaveLength(answered)
    expect(structured.more).toBe(more)
  })

  test('an output with a resource adds a link to it', async () => {
    await using session = await opened(wire)
    const result = await session.client.callTool({ name: 'items_read', arguments: {} })
    expect(result.content[1]).toEqual({
      type: 'resource_link',
      uri: 'ipfs://cid',
      name: 'photo.jpg',
      mimeType: 'image/jpeg',
      size: 3,
    })
  })

  test('a fault is an error result with code, message and next step, and no structured content', async () => {
    await using session = await opened(wire)
    const result = await session.client.callTool({ name: 'items_rm', arguments: { name: 'x' } })
    expect(result).toMatchObject({
      isError: true,
      content: [
        {
          type: 'text',
          text: 'OPERATION_UNKNOWN: There is no item x. List the operations in the OpenAPI document or with --help.',
        },
      ],
    })
    expect(result.structuredContent).toBeUndefined()
  })

  test('an unexpected error does not tell what is inside', async () => {
    await using session = await opened(wire)
    const result = await session.client.callTool({ name: 'items_rm', arguments: { name: 'defect' } })
    expect(result.isError).toBe(true)
    expect(JSON.stringify(result.content)).toContain('OPERATION_INTERNAL')
    expect(JSON.stringify(result.content)).not.toContain('a path of this machine')
  })

  test.each([
    ['a wrong type', { a: 'two' }, 'a: '],
    ['an unknown key', { a: 1, c: 2 }, '"c"'],
    ['nothing', undefined, 'a: '],
  ])('%s as input is refused with the code of every door', async (_title, input, named) => {
    await using session = await opened(wire)
    const result = await session.client.callTool({ name: 'sums_add', ...(input && { arguments: input }) })
    expect(result.isError).toBe(true)
    const [content] = result.content
    expect(content?.type === 'text' && content.text).toMatch(/^OPERATION_INVALID_INPUT: sums\.add: /)
    expect(content?.type === 'text' && content.text).toContain(named)
  })

  test('an output that does not match its schema is an error, not an answer', async () => {
    await using session = await opened(wire)
    const result = await session.client.callTool({ name: 'items_lie', arguments: {} })
    expect(result.isError).toBe(true)
    expect(JSON.stringify(result.content)).toContain('OPERATION_INTERNAL')
  })

  test('a cancelled call aborts the signal of the run', async () => {
    const started = Promise.withResolvers<void>()
    const aborted = Promise.withResolvers<unknown>()
    const wait = operation<object>()({
      ...add,
      name: 'sums.wait',
      run: async (_parts, _input, { signal }) => {
        signal.addEventListener('abort', () => aborted.resolve(signal.reason))
        started.resolve()
        await aborted.promise
        throw signal.reason
      },
    })
    // A stateless server of the older wire cannot match a cancel notification to a call, so its wire is a lasting pipe.
    await using session = await opened(wire, [wait], wire === '2025-11-25' ? 'pipe' : 'http')
    const leave = new AbortController()
    const answer = session.client.callTool(
      { name: 'sums_wait', arguments: { a: 1 } },
      { signal: leave.signal },
    )
    const refused = expect(answer).rejects.toThrow()
    await started.promise
    leave.abort()
    await refused
    expect(await aborted.promise).toBeDefined()
  })

  test('leaving at the limit of lines ends the work behind them', async () => {
    const ended = Promise.withResolvers<number>()
    const endless = operation<object>()({
      ...list,
      name: 'items.endless',
      run: async function* () {
        let number = 0
        try {
          for (;;) yield { number: number++ }
        } finally {
          ended.resolve(number)
        }
      },
    })
    await using session = await opened(wire, [endless])
    await session.client.callTool({ name: 'items_endless', arguments: { count: 0 } })
    expect(await ended.promise).toBe(maxToolLines + 1)
  })
})

async function opened(
  wire: Wire,
  operations: readonly AnyOperation[] = table,
  transport: 'http' | 'pipe' = 'http',
) {
  const { client, close } = await connect(wire, operations, transport)
  return { client, [Symbol.asyncDispose]: close }
}

test('an entry that is a tool on request is one where its area is asked for', async () => {
  const asked = [add, { ...list, doors: ['cli', 'mcp-opt-in'] as const }]
  const namesWith = async (areas?: readonly string[]) => {
    const { client, close } = await connect('2026-07-28', asked, 'http', areas)
    const { tools } = await client.listTools()
    await close()
    return tools.map(({ name }) => name)
  }
  expect(await namesWith()).toEqual(['sums_add'])
  expect(await namesWith(['item', 'sums'])).toEqual(['sums_add'])
  expect(await namesWith(['items'])).toEqual(['sums_add', 'items_list'])
  expect(() => operation<object>()({ ...shellOnly, doors: ['mcp-opt-in'] })).toThrow(/cannot be a tool/)
})
