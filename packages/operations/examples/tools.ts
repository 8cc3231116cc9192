/** Offers a table of operations as MCP tools, and calls one as a client does. */
import assert from 'node:assert/strict'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { createCaller, operation } from '@ipfs-kit/operations'
import { registerTools } from '@ipfs-kit/operations/mcp'
import { z } from 'zod'

const notes = new Map<string, string>()

const set = operation<{ notes: Map<string, string> }>()({
  name: 'notes.set',
  summary: 'Keep a note under a name',
  parts: ['notes'],
  input: z.object({ name: z.string(), text: z.string().describe('what the note says') }),
  output: z.object({ notes: z.int().describe('notes that are kept now') }),
  body: 'none',
  returns: 'value',
  effect: 'write',
  scope: 'content:write',
  idempotent: true,
  run: async (parts, { name, text }) => ({ notes: parts.notes.set(name, text).size }),
})

const operations = [set]
const caller = createCaller({
  operations,
  borrow: () => ({ parts: { notes }, signal: new AbortController().signal, release() {} }),
})
const handler = createMcpHandler(() => {
  const server = new McpServer({ name: 'notes', version: '1.0.0' })
  registerTools(server, { operations, caller })
  return server
})

async function ask(method: string, params: object): Promise<any> {
  const answer = await handler.fetch(
    new Request('http://127.0.0.1/mcp', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    }),
  )
  const text = await answer.text()
  return JSON.parse(text.slice(text.indexOf('{'))).result
}

const { tools } = await ask('tools/list', {})
assert.equal(tools[0].name, 'notes_set')
assert.equal(tools[0].annotations.idempotentHint, true)

const stored = await ask('tools/call', { name: 'notes_set', arguments: { name: 'milk', text: 'two litres' } })
assert.deepEqual(stored.structuredContent, { notes: 1 })
assert.deepEqual(stored.content, [{ type: 'text', text: '{"notes":1}' }])

const refused = await ask('tools/call', { name: 'notes_set', arguments: { name: 'milk' } })
assert.equal(refused.isError, true)
assert.match(refused.content[0].text, /^OPERATION_INVALID_INPUT: notes\.set: text: /)
assert.equal(notes.get('milk'), 'two litres')
