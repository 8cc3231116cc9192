/** Serves a table of operations as REST routes with an OpenAPI document, and calls the same table in this process. */
import assert from 'node:assert/strict'
import { createCaller, operation } from '@ipfs-kit/operations'
import type { TableOf } from '@ipfs-kit/operations'
import { operationRoutes } from '@ipfs-kit/operations/http'
import { openApiDocument } from '@ipfs-kit/operations/openapi'
import Fastify from 'fastify'
import { z } from 'zod'

interface Shelf {
  readonly put: (name: string, bytes: Uint8Array) => void
  readonly list: () => Iterable<[string, Uint8Array]>
}

// Each entry names the parts that it uses; they are lent to it for the time of one call.
const add = operation<{ shelf: Shelf }>()({
  name: 'shelf.add',
  summary: 'Put files on the shelf.',
  parts: ['shelf'],
  input: z.object({ prefix: z.string().default('') }),
  output: z.object({ path: z.string(), bytes: z.int() }),
  body: 'files',
  returns: 'lines',
  effect: 'write',
  scope: 'content:write',
  doors: ['cli'],
  async *run({ shelf }, { prefix }, _context, files) {
    for await (const { path, content } of files) {
      if (!(content instanceof Uint8Array)) continue
      shelf.put(prefix + path, content)
      yield { path: prefix + path, bytes: content.length }
    }
  },
})
const list = operation<{ shelf: Shelf }>()({
  name: 'shelf.list',
  summary: 'List what is on the shelf.',
  parts: ['shelf'],
  input: z.object({ minBytes: z.int().min(0).default(0) }),
  output: z.object({ names: z.array(z.string()) }),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  async run({ shelf }, { minBytes }) {
    const large = [...shelf.list()].filter(([, bytes]) => bytes.length >= minBytes)
    return { names: large.map(([name]) => name) }
  },
})
const operations = [add, list] as const

const files = new Map<string, Uint8Array>()
const shelf: Shelf = { put: (name, bytes) => void files.set(name, bytes), list: () => files }
const { signal } = new AbortController()
const caller = createCaller<TableOf<typeof operations>>({
  operations,
  borrow: () => ({ parts: { shelf }, signal, release() {} }),
})

const server = Fastify()
await server.register(operationRoutes({ operations, caller }))
server.get('/api/v1/openapi.json', () => openApiDocument({ operations, title: 'Shelf', version: '1.0.0' }))
const url = await server.listen({ port: 0, host: '127.0.0.1' })

const form = new FormData()
form.append('file', new Blob(['Shakespeare']), 'plays/hamlet.txt')
form.append('file', new Blob(['Goethe']), 'plays/faust.txt')
const added = await fetch(`${url}/api/v1/shelf/add?prefix=old/`, { method: 'POST', body: form })
assert.equal(
  await added.text(),
  '{"path":"old/plays/hamlet.txt","bytes":11}\n{"path":"old/plays/faust.txt","bytes":6}\n',
)

const listed = await fetch(`${url}/api/v1/shelf/list?minBytes=7`)
assert.deepEqual(await listed.json(), { names: ['old/plays/hamlet.txt'] })

const refused = await fetch(`${url}/api/v1/shelf/list?minBytes=many`)
assert.equal(refused.status, 400)
assert.equal(((await refused.json()) as { code: string }).code, 'OPERATION_INVALID_INPUT')

assert.deepEqual((await caller.call('shelf.list', {})).names.length, 2)

await server.close()
