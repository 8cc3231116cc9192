import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { expect, it, onTestFinished } from 'vitest'
import { linesOf, pattern, serveOnce, temporaryHome, until } from './serving.ts'

it('an isolated home is there while the server is, and gone afterwards', async () => {
  const site = await serveOnce()
  const { path } = site.server.kit.home
  await site.add('hello')
  expect(existsSync(path)).toBe(true)
  await site.close()
  expect(existsSync(path)).toBe(false)
})

it('what was added is there for the next server of the home, and the token is the same', async () => {
  const home = await temporaryHome()
  const first = await serveOnce({ home })
  const cid = await first.add('hello')
  await first.close()
  expect(existsSync(`${home}/holder.json`)).toBe(false)
  const second = await serveOnce({ home })
  expect(second.token).toBe(first.token)
  expect((await second.gateway(`/ipfs/${cid}`)).text).toBe('hello')
  expect(linesOf(await second.call('pins.ls'))).toMatchObject([{ cid }])
})

it('closing twice is closing once, and each call ends when all is closed', async () => {
  const home = await temporaryHome()
  const site = await serveOnce({ home })
  const { server } = site
  const ends = [server.close(), server.close(), server[Symbol.asyncDispose]()]
  await ends[1]
  await expect(fetch(`${server.url}/healthz`)).rejects.toThrow()
  const again = await serveOnce({ home })
  await Promise.all([...ends, server.close()])
  expect((await again.ask('/readyz')).status).toBe(200)
})

it('a call that is under way is answered that the server closes, before its connection ends', async () => {
  const site = await serveOnce({ home: await temporaryHome() })
  const headers = { authorization: `Bearer ${site.token}`, 'content-type': 'application/octet-stream' }
  const path = '/api/v1/files/add?filename=slow.bin'
  const outgoing = request({
    host: '127.0.0.1',
    port: site.port,
    path,
    method: 'POST',
    headers,
    agent: false,
  })
  outgoing.on('error', () => {})
  outgoing.write(pattern(2_000_000))
  await until(() => site.server.kit.stats().runningCalls === 1)
  const answered = once(outgoing, 'response')
  await site.close()
  const [response] = (await answered) as [IncomingMessage]
  expect(response.statusCode).toBe(503)
  expect(JSON.parse(Buffer.concat(await response.toArray()).toString())).toMatchObject({
    code: 'OPERATION_CLOSING',
    retryable: true,
  })
})

it('five uploads and five downloads do not hold the closing up, and nothing of them is kept', async () => {
  const home = await temporaryHome()
  const site = await serveOnce({ home })
  const cid = await site.add(pattern(32 * 1_048_576))
  const headers = { authorization: `Bearer ${site.token}`, 'content-type': 'application/octet-stream' }
  const paths = [
    `/api/v1/files/cat?cid=${cid}`,
    `/api/v1/car/export?cid=${cid}`,
    `/api/v1/files/get?cid=${cid}`,
  ]
  const gatewayPaths = [`/ipfs/${cid}`, `/ipfs/${cid}?format=car`]
  const ask = (port: number, path: string, method: string) => {
    const outgoing = request({ host: '127.0.0.1', port, path, method, headers, agent: false })
    outgoing.on('error', () => {})
    const failed = new Promise((resolve) => outgoing.once('close', resolve))
    return { outgoing, failed }
  }
  const uploads = Array.from({ length: 5 }, (_, at) => {
    const { outgoing, failed } = ask(site.port, `/api/v1/files/add?filename=${at}.bin`, 'POST')
    outgoing.write(pattern(2_000_000, at))
    return failed
  })
  const downloads = [
    ...paths.map((path) => ask(site.port, path, 'GET')),
    ...gatewayPaths.map((path) => ask(site.gatewayPort, path, 'GET')),
  ]
  for (const { outgoing } of downloads) outgoing.end()
  const bodies = await Promise.all(
    downloads.map(async ({ outgoing }) => {
      const [incoming] = await once(outgoing, 'response')
      incoming.on('error', () => {})
      return incoming
    }),
  )
  expect(bodies.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200, 200])
  await until(() => site.server.kit.stats().runningCalls === 8)

  const started = performance.now()
  await site.close()
  expect(performance.now() - started).toBeLessThan(5000)
  await Promise.all(uploads)
  for (const incoming of bodies) {
    // What is missing never looks like the end.
    const reading = (async () => {
      for await (const _chunk of incoming) continue
    })()
    await expect(reading).rejects.toMatchObject({ code: 'ECONNRESET' })
  }
  expect(site.lines).toEqual([])

  const again = await serveOnce({ home })
  expect(linesOf(await again.call('pins.ls')).map(({ cid: pinned }) => pinned)).toEqual([cid])
  const collected = await again.call('repo.gc')
  expect(collected.status).toBe(200)
  expect((await again.gateway(`/ipfs/${cid}`)).body.length).toBe(32 * 1_048_576)
})

it('idle connections, half requests and sessions of agents do not hold the closing up', async () => {
  const site = await serveOnce()
  for (const port of [site.port, site.gatewayPort]) {
    for (const text of [
      '',
      'GET /healthz HT',
      'POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99\r\n\r\n',
    ]) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      onTestFinished(() => void socket.destroy())
      await once(socket, 'connect')
      socket.write(text)
    }
  }
  for (const mode of ['legacy', { pin: '2026-07-28' }] as const) {
    const client = new Client(
      { name: 'test', version: '0.0.0' },
      { versionNegotiation: mode === 'legacy' ? { mode } : { mode } },
    )
    const requestInit = { headers: { authorization: `Bearer ${site.token}` } }
    await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', site.server.url), { requestInit }))
    onTestFinished(() => client.close())
    await client.listTools()
  }
  await fetch(`${site.server.url}/healthz`)
  const started = performance.now()
  await site.close()
  expect(performance.now() - started).toBeLessThan(2000)
})

it('a process has nothing left to do after its server was closed, or could not be opened', async () => {
  const program = fileURLToPath(new URL('./process-that-ends.ts', import.meta.url))
  const run = promisify(execFile)(process.execPath, ['--conditions=@ipfs-kit/source', program], {
    timeout: 100_000,
  })
  await expect(run).resolves.toMatchObject({
    stdout: 'SERVER_PORT_UNAVAILABLE\nserved\nclosed\n',
    stderr: '',
  })
})
