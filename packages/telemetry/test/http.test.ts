import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { measure, samples, sendRaw, serve } from './setup.ts'

const total = 'ipfs_kit_http_requests_total'
const inFlight = 'ipfs_kit_http_requests_in_flight'
const count = 'ipfs_kit_http_request_duration_seconds_count'

/** Names for servers, as an application keeps them. */
function names() {
  const map = new Map<object, string>()
  return { map, nameOfServer: (server: Server) => map.get(server) }
}

/** Resolves when the response has been given up or completed. */
const closed = (response: ServerResponse): Promise<unknown> => once(response, 'close')

test('counts requests by server, method and status, and how long they took', async () => {
  const { map, nameOfServer } = names()
  const { telemetry } = measure({ nameOfServer })
  const { server, url } = await serve((request, response) => {
    response.statusCode = request.url === '/missing' ? 404 : 200
    response.end('done')
  })
  map.set(server, 'api')
  for (const [path, method] of [
    ['/', 'GET'],
    ['/', 'GET'],
    ['/missing', 'GET'],
    ['/', 'POST'],
  ]) {
    await (await fetch(`${url}${path}`, { method: method! })).text()
  }
  expect(await samples(telemetry, total)).toEqual([
    `${total}{server="api",method="GET",status="200"} 2`,
    `${total}{server="api",method="GET",status="404"} 1`,
    `${total}{server="api",method="POST",status="200"} 1`,
  ])
  expect(await samples(telemetry, count)).toEqual([`${count}{server="api"} 4`])
  expect(await samples(telemetry, inFlight)).toEqual([`${inFlight}{server="api"} 0`])
})

test('servers without a name are not counted', async () => {
  const { map, nameOfServer } = names()
  const { telemetry } = measure({ nameOfServer })
  const [named, nameless] = [
    await serve((_request, response) => void response.end()),
    await serve((_request, response) => void response.end()),
  ]
  map.set(named.server, 'gateway')
  await (await fetch(named.url)).text()
  await (await fetch(nameless.url)).text()
  expect(await samples(telemetry, total)).toEqual([`${total}{server="gateway",method="GET",status="200"} 1`])
})

test('without nameOfServer no server is counted', async () => {
  const { telemetry } = measure()
  const { url } = await serve((_request, response) => void response.end())
  await (await fetch(url)).text()
  expect(await samples(telemetry, total)).toEqual([])
})

test('shows what is in flight, and counts a client that leaves as 499', async () => {
  const { telemetry } = measure({ nameOfServer: () => 'api' })
  const arrived = Promise.withResolvers<ServerResponse>()
  const { port } = await serve((_request, response) => arrived.resolve(response))
  const socket = await sendRaw(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const response = await arrived.promise
  expect(await samples(telemetry, inFlight)).toEqual([`${inFlight}{server="api"} 1`])
  expect(await samples(telemetry, total)).toEqual([])
  const gone = closed(response)
  socket.destroy()
  await gone
  expect(await samples(telemetry, inFlight)).toEqual([`${inFlight}{server="api"} 0`])
  expect(await samples(telemetry, total)).toEqual([`${total}{server="api",method="GET",status="499"} 1`])
  expect(await samples(telemetry, count)).toEqual([`${count}{server="api"} 1`])
})

test('a client that leaves in the middle of a body is 499, whatever status it was sent', async () => {
  const { telemetry } = measure({ nameOfServer: () => 'api' })
  const arrived = Promise.withResolvers<ServerResponse>()
  const { port } = await serve((_request, response) => {
    response.writeHead(200)
    response.write('the first part')
    arrived.resolve(response)
  })
  const socket = await sendRaw(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const response = await arrived.promise
  const gone = closed(response)
  socket.destroy()
  await gone
  // Ending it afterwards must not count it again.
  response.end()
  expect(await samples(telemetry, total)).toEqual([`${total}{server="api",method="GET",status="499"} 1`])
  expect(await samples(telemetry, inFlight)).toEqual([`${inFlight}{server="api"} 0`])
})

test('requests that wait behind others on a connection are counted when it closes', async () => {
  const { telemetry } = measure({ nameOfServer: () => 'api' })
  const seen: ServerResponse[] = []
  const arrived = Promise.withResolvers<void>()
  const { server, port } = await serve((_request, response) => {
    seen.push(response)
    if (seen.length === 3) arrived.resolve()
  })
  const connected = once(server, 'connection') as Promise<[Socket]>
  const socket = await sendRaw(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3))
  const [inner] = await connected
  await arrived.promise
  expect(await samples(telemetry, inFlight)).toEqual([`${inFlight}{server="api"} 3`])
  const gone = once(inner, 'close')
  socket.destroy()
  await gone
  expect(await samples(telemetry, inFlight)).toEqual([`${inFlight}{server="api"} 0`])
  expect(await samples(telemetry, total)).toEqual([`${total}{server="api",method="GET",status="499"} 3`])
})

test('a connection that stays open counts each of its requests once', async () => {
  const { telemetry } = measure({ nameOfServer: () => 'api' })
  const { server, port } = await serve((_request, response) => void response.end('x'))
  const connected = once(server, 'connection') as Promise<[Socket]>
  const socket = await sendRaw(port, '')
  const [inner] = await connected
  const own = inner.listenerCount('close')
  for (let round = 0; round < 30; round++) {
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await once(socket, 'data')
  }
  expect(inner.listenerCount('close')).toBe(own + 1)
  const gone = once(inner, 'close')
  socket.end()
  await gone
  expect(await samples(telemetry, total)).toEqual([`${total}{server="api",method="GET",status="200"} 30`])
})

test('methods outside the known ones are one label, and so are servers after the sixteenth', async () => {
  let asked = 0
  const { telemetry } = measure({ nameOfServer: () => `server-${asked++}` })
  const { url } = await serve((_request, response) => void response.end())
  for (let round = 0; round < 20; round++) await (await fetch(url, { method: 'PROPFIND' })).text()
  const lines = await samples(telemetry, total)
  expect(lines).toHaveLength(17)
  expect(lines).toContain(`${total}{server="other",method="other",status="200"} 4`)
  expect(lines.every((line) => line.includes('method="other"'))).toBe(true)
})

test('a status that is none is one label', async () => {
  const { telemetry } = measure({ nameOfServer: () => 'api' })
  const { port } = await serve((_request, response) => {
    response.writeHead(799)
    response.end()
  })
  const socket = await sendRaw(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(socket, 'data')
  expect(await samples(telemetry, total)).toEqual([`${total}{server="api",method="GET",status="other"} 1`])
})

test('no URL and no header is in the metrics', async () => {
  const { telemetry } = measure({ nameOfServer: () => 'api' })
  const { url } = await serve((request: IncomingMessage, response) => void response.end(request.url))
  const secret = 'hunter2'
  await (
    await fetch(`${url}/${secret}?token=${secret}`, {
      headers: { authorization: `Bearer ${secret}`, 'x-a': secret },
    })
  ).text()
  const { body } = await telemetry.metrics()
  expect(body).toContain('status="200"} 1')
  expect(body).not.toContain(secret)
})
