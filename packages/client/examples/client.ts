import assert from 'node:assert/strict'
import { createClient, ClientError } from '@ipfs-kit/client'
import { createCaller, operation } from '@ipfs-kit/operations'
import type { TableOf } from '@ipfs-kit/operations'
import { operationRoutes } from '@ipfs-kit/operations/http'
import Fastify from 'fastify'
import { z } from 'zod'

// A server with one operation. A real one comes from `ipfs-kit serve`.
const size = operation<object>()({
  name: 'text.size',
  summary: 'Count the bytes of files.',
  parts: [],
  input: z.object({}),
  output: z.object({ path: z.string(), bytes: z.number() }),
  body: 'files',
  returns: 'lines',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  async *run(_parts, _input, _context, files) {
    for await (const { path, content = new Uint8Array() } of files) {
      let bytes = 0
      for await (const piece of content instanceof Uint8Array ? [content] : content) bytes += piece.length
      yield { path, bytes }
    }
  },
})
const { signal } = new AbortController()
const caller = createCaller({ operations: [size], borrow: () => ({ parts: {}, signal, release() {} }) })
const server = Fastify()
await server.register(operationRoutes({ operations: [size], caller }))
const url = await server.listen({ port: 0, host: '127.0.0.1' })

// The type argument is the table of the server; without it, it is that of the kit.
const client = createClient<TableOf<readonly [typeof size]>>({ url, token: 'from the token file' })

const files = [
  { path: 'poems/a.txt', content: new TextEncoder().encode('über') },
  { path: 'poems/b.txt', content: new Blob(['a blob, or a File of a page']) },
]
const lines: { path: string; bytes: number }[] = []
for await (const line of await client.call('text.size', {}, { body: files })) lines.push(line)
assert.deepEqual(lines, [
  { path: 'poems/a.txt', bytes: 5 },
  { path: 'poems/b.txt', bytes: 27 },
])

// Errors keep the code and the kind that they have on the server.
const wrong = [{ path: '../a.txt', content: new Uint8Array() }]
await assert.rejects(
  client.call('text.size', {}, { body: wrong }),
  (error) => error instanceof ClientError && error.code === 'OPERATION_BODY_INVALID' && error.status === 400,
)

await server.close()
