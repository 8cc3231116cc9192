import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { openServer } from '@ipfs-kit/mcp-server'

const server = await openServer({ isolated: true, config: { api: { port: 0 }, gateway: { port: 0 } } })
const token = (await readFile(server.tokenFile, 'utf8')).trim()

// As in a browser, where a WebSocket has no headers: the token is offered as a subprotocol, never in the URL.
const url = `${server.url.replace('http', 'ws')}/api/v1/wal/ws`
const socket = new WebSocket(url, ['ipfs-kit.wal.v1', `bearer.${token}`])
await once(socket, 'open')

const messages: { lsn: number; job?: { type: string; state: string } }[] = []
const ended = Promise.withResolvers<void>()
socket.addEventListener('message', ({ data }) => {
  const message = JSON.parse(String(data)) as (typeof messages)[number]
  messages.push(message)
  if (message.job?.state === 'completed') ended.resolve()
})
socket.send(
  JSON.stringify({ subscribe: 'operations_by_type', type: 'custom:gc', id: 'collections', from: 1 }),
)

// A collection of garbage is a job.
const asked = await fetch(`${server.url}/api/v1/wal/append`, {
  method: 'POST',
  headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  body: JSON.stringify({ type: 'custom:gc' }),
})
assert.equal(asked.status, 200)
await ended.promise

// Who connects again asks for what comes behind the last message that it has: `from`, one more than its `lsn`.
assert.ok(messages.at(-1)!.lsn > messages[0]!.lsn)
socket.close()
await once(socket, 'close')
await server.close()
