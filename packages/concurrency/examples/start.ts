import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sleep, taskGroup, type Scope } from '@ipfs-kit/concurrency'

/** Serves until it is cancelled, and says on which port once it listens. */
async function serve(started: (port: number) => void, task: Scope): Promise<void> {
  const server = createServer((_, response) => response.end('hello'))
  server.listen({ port: 0, host: '127.0.0.1', signal: task.signal })
  await once(server, 'listening', { signal: task.signal })
  started((server.address() as AddressInfo).port)
  await sleep(Infinity)
}

await taskGroup(async (group) => {
  // Returns when `started` was called. A crash before that is the caller's error and nobody else's.
  const port = await group.start(serve)
  const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })
  assert.equal(await response.text(), 'hello')

  const broken = async () => {
    throw new Error('the port is taken')
  }
  await assert.rejects(group.start(broken), /the port is taken/)

  // The server still runs; this ends it.
  group.cancel()
})
