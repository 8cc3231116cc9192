import { PassThrough } from 'node:stream'
import { createClient } from '@ipfs-kit/client'
import { createCaller, operation, type TableOf } from '@ipfs-kit/operations'
import { addCommands, runProgram } from '@ipfs-kit/operations/cli'
import { operationRoutes } from '@ipfs-kit/operations/http'
import { openApiDocument } from '@ipfs-kit/operations/openapi'
import { registerTools } from '@ipfs-kit/operations/mcp'
import { Client, InMemoryTransport } from '@modelcontextprotocol/client'
import { McpServer } from '@modelcontextprotocol/server'
import { Command } from 'commander'
import { fastify } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { all } from './server.ts'

// One entry and nothing else.
const operations = [
  operation<{ readonly bell: { ring(word: string): string } }>()({
    name: 'bell.ring',
    summary: 'Ring the bell',
    parts: ['bell'],
    input: z.object({
      word: z.string().min(1).describe('what it says'),
      times: z.int().min(1).max(9).default(2).describe('how often'),
    }),
    output: z.object({ at: z.int(), sound: z.string() }),
    body: 'none',
    returns: 'lines',
    effect: 'read',
    scope: 'content:read',
    text: ({ sound }) => sound,
    async *run({ bell }, { word, times }) {
      for (let at = 0; at < times; at += 1) yield { at, sound: bell.ring(word) }
    },
  }),
] as const

const rung = [
  { at: 0, sound: 'ding!' },
  { at: 1, sound: 'ding!' },
]
const caller = createCaller<TableOf<typeof operations>>({
  operations,
  borrow: () => ({
    parts: { bell: { ring: (word: string) => `${word}!` } },
    signal: new AbortController().signal,
    release: () => {},
  }),
})
const app = fastify()
let url: string

beforeAll(async () => {
  await app.register(operationRoutes({ operations, caller }))
  url = await app.listen({ host: '127.0.0.1', port: 0 })
})

afterAll(() => app.close())

describe('adding an operation is one entry and nothing else: it is', () => {
  test('a REST route, for GET and POST', async () => {
    const post = await fetch(`${url}/api/v1/bell/ring`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ word: 'ding' }),
    })
    const get = await fetch(`${url}/api/v1/bell/ring?word=ding&times=2`)
    for (const response of [post, get]) {
      expect(
        (await response.text())
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as unknown),
      ).toEqual(rung)
    }
    expect((await fetch(`${url}/api/v1/bell/ring`)).status).toBe(400)
  })

  test('a path of the OpenAPI document', () => {
    const { paths } = openApiDocument({ operations, title: 'one', version: '0.0.0' })
    expect(paths).toMatchObject({
      '/api/v1/bell/ring': { post: { summary: 'Ring the bell' }, get: expect.anything() },
    })
  })

  test('a typed call of the client', async () => {
    const client = createClient<TableOf<typeof operations>>({ url })
    const lines: { readonly at: number; readonly sound: string }[] = await all(
      await client.call('bell.ring', { word: 'ding' }),
    )
    expect(lines).toEqual(rung)
    await expect(client.call('bell.ring', { word: '' })).rejects.toMatchObject({
      code: 'OPERATION_INVALID_INPUT',
    })
  })

  test('a command with arguments, options, help and exit codes', async () => {
    expect(await runCommand(['bell', 'ring', 'ding'])).toEqual({
      code: 0,
      stdout: 'ding!\nding!\n',
      stderr: '',
    })
    expect(await runCommand(['bell', 'ring', 'dong', '--times', '1', '--json'])).toEqual({
      code: 0,
      stdout: '{"at":0,"sound":"dong!"}\n',
      stderr: '',
    })
    expect(await runCommand(['bell', 'ring', '--help'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('how often'),
    })
    expect(await runCommand(['bell', 'ring', 'ding', '--times', '10'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('--times'),
    })
  })

  test('a tool with schemas and annotations', async () => {
    const server = new McpServer({ name: 'one', version: '0.0.0' })
    registerTools(server, { operations, caller })
    const client = new Client({ name: 'cli-tests', version: '0.0.0' })
    const [near, far] = InMemoryTransport.createLinkedPair()
    await Promise.all([server.connect(far), client.connect(near)])
    const { tools } = await client.listTools()
    expect(tools).toMatchObject([
      {
        name: 'bell_ring',
        description: 'Ring the bell',
        annotations: {
          readOnlyHint: true,
          destructiveHint: false,
          idempotentHint: true,
          openWorldHint: false,
        },
        inputSchema: { properties: { word: { description: 'what it says' }, times: { default: 2 } } },
        outputSchema: { properties: { lines: expect.anything() } },
      },
    ])
    const answer = await client.callTool({ name: 'bell_ring', arguments: { word: 'ding' } })
    expect(answer.structuredContent).toEqual({ lines: rung, more: false })
    await client.close()
  })
})

/** Runs a command line in this process. */
async function runCommand(args: readonly string[]) {
  const [stdin, stdout, stderr] = [new PassThrough().end(), new PassThrough(), new PassThrough()]
  const program = new Command('one').option('--json', 'print JSON')
  addCommands(program, {
    operations,
    connect: async () => ({ caller, close: async () => {} }),
    streams: { stdin, stdout, stderr },
  })
  const code = await runProgram(program, args)
  const text = (stream: PassThrough) => (stream.read() as Buffer | null)?.toString() ?? ''
  return { code, stdout: text(stdout), stderr: text(stderr) }
}
