import { operation } from '@ipfs-kit/operations'
import { openApiDocument } from '@ipfs-kit/operations/openapi'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { serve } from './http-server.ts'

const node: z.ZodType = z.object({
  name: z.string(),
  get children() {
    return z.array(node)
  },
})
const base = { parts: [], effect: 'read', scope: 'content:read', doors: ['cli'] } as const
const table = [
  operation<object>()({
    ...base,
    name: 'files.find',
    summary: 'Find files.',
    input: z.object({
      path: z.string().describe('Where to begin.'),
      depth: z.int().default(3),
      kind: z.enum(['file', 'folder']).optional(),
    }),
    output: z.object({ path: z.string(), size: z.number().optional() }),
    body: 'none',
    returns: 'lines',
    async *run() {},
  }),
  operation<object>()({
    ...base,
    name: 'files.tree',
    summary: 'Give the tree.',
    input: z.object({}),
    output: node,
    body: 'none',
    returns: 'value',
    run: async () => ({ name: '', children: [] }),
  }),
  operation<object>()({
    ...base,
    name: 'files.read',
    summary: 'Read a file.',
    input: z.object({ path: z.string() }),
    output: z.never(),
    body: 'none',
    returns: 'bytes',
    run: async () => ({ mediaType: 'text/plain', body: (async function* () {})() }),
  }),
  operation<object>()({
    ...base,
    name: 'files.add',
    summary: 'Add files.',
    effect: 'write',
    input: z.object({ pin: z.boolean().default(true) }),
    output: z.object({ count: z.number() }),
    body: 'files',
    returns: 'value',
    run: async () => ({ count: 0 }),
  }),
  operation<object>()({
    ...base,
    name: 'block.put',
    summary: 'Put a block.',
    effect: 'write',
    input: z.object({ codec: z.string() }),
    output: z.object({ cid: z.string() }),
    body: 'bytes',
    returns: 'value',
    run: async () => ({ cid: '' }),
  }),
] as const

const document = openApiDocument({
  operations: table,
  title: 'Test',
  version: '1.2.3',
  serverUrl: 'http://127.0.0.1:4801',
})

/** Every object in a document. */
function* objectsIn(value: unknown): Generator<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) yield value as Record<string, unknown>
  for (const inner of Object.values(value)) yield* objectsIn(inner)
}

function resolve(ref: string): unknown {
  let value: unknown = document
  for (const key of ref.slice(2).split('/')) value = (value as Record<string, unknown>)[key]
  return value
}

test('every reference leads somewhere in the document', () => {
  const refs = Array.from(objectsIn(document)).flatMap(({ $ref }) => (typeof $ref === 'string' ? [$ref] : []))
  expect(refs.length).toBeGreaterThan(10)
  for (const ref of refs) {
    expect(ref).toMatch(/^#\/components\/(schemas|responses)\/[A-Za-z0-9._-]+$/)
    expect(resolve(ref), ref).toBeDefined()
  }
  expect(JSON.stringify(document)).not.toMatch(/\$schema|\$defs/)
  expect(resolve('#/components/schemas/files.tree.output')).toMatchObject({
    properties: { children: { items: { $ref: expect.stringMatching(/files\.tree\.output/) } } },
  })
})

test('it has exactly the routes that the server has', async () => {
  const { app } = await serve(table)
  expect(Object.keys(document.paths)).toEqual([
    '/api/v1/files/find',
    '/api/v1/files/tree',
    '/api/v1/files/read',
    '/api/v1/files/add',
    '/api/v1/block/put',
  ])
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'] as const) {
      const { statusCode } = await app.inject({ method, url: path })
      expect(statusCode !== 405, `${method} ${path}`).toBe(method.toLowerCase() in methods)
    }
  }
})

test('each operation has an id of its own, a summary, tags and answers for good and bad', () => {
  const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods))
  expect(operations.map(({ operationId }) => operationId)).toEqual([
    'files.find',
    'files.find.get',
    'files.tree',
    'files.tree.get',
    'files.read',
    'files.read.get',
    'files.add',
    'block.put',
  ])
  for (const each of operations) {
    expect(each).toMatchObject({ summary: expect.any(String), tags: [expect.any(String)] })
    expect(each['responses']).toMatchObject({
      200: { content: {} },
      default: { $ref: '#/components/responses/Error' },
    })
  }
})

test('inputs are parameters of GET and the body of POST, with defaults optional', () => {
  const { get, post } = document.paths['/api/v1/files/find']!
  expect(get?.['parameters']).toEqual([
    { name: 'path', in: 'query', required: true, description: 'Where to begin.', schema: { type: 'string' } },
    {
      name: 'depth',
      in: 'query',
      required: false,
      schema: expect.objectContaining({ type: 'integer', default: 3 }),
    },
    { name: 'kind', in: 'query', required: false, schema: { type: 'string', enum: ['file', 'folder'] } },
  ])
  expect(post['requestBody']).toEqual({
    required: true,
    content: { 'application/json': { schema: { $ref: '#/components/schemas/files.find.input' } } },
  })
  expect(document.components.schemas['files.find.input']).toMatchObject({ required: ['path'] })
})

test('bodies and answers have their types', () => {
  const content = (path: string): string[] =>
    Object.keys(
      (document.paths[path]!.post as { responses: { 200: { content: object } } }).responses[200].content,
    )
  expect(content('/api/v1/files/find')).toEqual(['application/x-ndjson'])
  expect(content('/api/v1/files/tree')).toEqual(['application/json'])
  expect(content('/api/v1/files/read')).toEqual(['*/*'])
  const add = document.paths['/api/v1/files/add']!.post as {
    requestBody: { content: object }
    parameters: { name: string }[]
  }
  expect(Object.keys(add.requestBody.content)).toEqual(['multipart/form-data', 'application/octet-stream'])
  expect(add.parameters.map(({ name }) => name)).toEqual(['pin', 'filename'])
  const put = document.paths['/api/v1/block/put']!.post as { requestBody: { content: object } }
  expect(Object.keys(put.requestBody.content)).toEqual(['application/octet-stream'])
})

test('it says what it is, where it is, and that it wants a token', async () => {
  expect(document).toMatchObject({
    openapi: '3.1.0',
    info: { title: 'Test', version: '1.2.3' },
    servers: [{ url: 'http://127.0.0.1:4801' }],
    security: [{ token: [] }],
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  })
  expect(openApiDocument({ operations: [], title: 'Test', version: '1' })).not.toHaveProperty('servers')
})

test('its error is the one that the server sends', async () => {
  const { url } = await serve(table)
  const sent = (await (await fetch(`${url}/files/find`)).json()) as object
  const { properties, required } = document.components.schemas['Error'] as {
    properties: object
    required: string[]
  }
  expect(Object.keys(sent).sort()).toEqual(Object.keys(properties).sort())
  expect(required.toSorted()).toEqual(Object.keys(sent).sort())
})
