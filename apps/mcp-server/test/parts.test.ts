import { once } from 'node:events'
import { request } from 'node:http'
import { createServer } from 'node:net'
import diagnosticsChannel from 'node:diagnostics_channel'
import { expect, it, onTestFinished } from 'vitest'
import { type ErrorAnswer, linesOf, pattern, serveOnce, type Site, until } from './serving.ts'

async function readiness(site: Site): Promise<{ status: number; states: Record<string, string> }> {
  const { status, text } = await site.ask('/readyz')
  const { ready, parts } = JSON.parse(text) as { ready: boolean; parts: { name: string; state: string }[] }
  expect(ready).toBe(status === 200)
  return { status, states: Object.fromEntries(parts.map(({ name, state }) => [name, state])) }
}

/** A part that opens and closes when the test says so. */
async function addPart(site: Site) {
  let opening = async (): Promise<void> => {}
  await site.server.kit.parts.open('other', async () => {
    await opening()
    return { async [Symbol.asyncDispose]() {} }
  })
  return {
    waitFor: (next: () => Promise<void>) => {
      opening = next
    },
  }
}

it('readyz is 503 while a part restarts and 200 afterwards', async () => {
  const site = await serveOnce()
  const other = await addPart(site)
  const { promise, resolve } = Promise.withResolvers<void>()
  other.waitFor(() => promise)
  const restarting = site.call('node.restart', { part: 'other' })
  await until(() => site.server.kit.parts.list().some(({ state }) => state === 'restarting'))
  expect(await readiness(site)).toEqual({
    status: 503,
    states: {
      ipfs: 'running',
      wal: 'running',
      gateway: 'running',
      other: 'restarting',
    },
  })
  expect((await site.ask('/healthz')).status).toBe(200)
  resolve()
  expect(JSON.parse((await restarting).text)).toMatchObject({ name: 'other', state: 'running', restarts: 1 })
  expect((await readiness(site)).status).toBe(200)
})

it('readyz is 503 while a part has failed, until a restart brings it back', async () => {
  const site = await serveOnce()
  const other = await addPart(site)
  other.waitFor(() => Promise.reject(new Error('not today')))
  const failed = await site.call('node.restart', { part: 'other' })
  expect(JSON.parse(failed.text)).toMatchObject({ state: 'failed', error: { message: 'not today' } })
  expect(await readiness(site)).toMatchObject({ status: 503, states: { other: 'failed' } })
  other.waitFor(async () => {})
  await site.call('node.restart', { part: 'other' })
  expect((await readiness(site)).status).toBe(200)
})

it('the gateway comes back on the port that it had, also after another program had taken it', async () => {
  const site = await serveOnce()
  const cid = await site.add('hello')
  for (const restarts of [1, 2]) {
    const answer = await site.call('node.restart', { part: 'gateway' })
    expect(JSON.parse(answer.text)).toMatchObject({ state: 'running', restarts })
    expect((await site.gateway(`/ipfs/${cid}`)).text).toBe('hello')
  }

  // Node tells that somebody is about to listen: at that moment the other program is faster.
  const other = createServer()
  onTestFinished(() => void other.close())
  const channel = 'tracing:net.server.listen:asyncStart'
  const take = (): void => {
    diagnosticsChannel.unsubscribe(channel, take)
    other.listen(site.gatewayPort, '127.0.0.1')
  }
  diagnosticsChannel.subscribe(channel, take)
  const failed = await site.call('node.restart', { part: 'gateway' })
  expect(JSON.parse(failed.text)).toMatchObject({
    state: 'failed',
    error: { code: 'SERVER_PORT_UNAVAILABLE', message: expect.stringContaining(String(site.gatewayPort)) },
  })
  expect(await readiness(site)).toMatchObject({ status: 503, states: { gateway: 'failed', ipfs: 'running' } })
  expect((await site.call('files.cat', { cid })).text).toBe('hello')

  other.close()
  await once(other, 'close')
  await site.call('node.restart', { part: 'gateway' })
  expect((await readiness(site)).status).toBe(200)
  expect((await site.gateway(`/ipfs/${cid}`)).text).toBe('hello')
})

it('a restart of the node under load ends what uses it with a temporary error, and all is well afterwards', async () => {
  const site = await serveOnce()
  const content = pattern(32 * 1_048_576)
  const cid = await site.add(content)
  const authorization = `Bearer ${site.token}`

  // Five uploads that never end, and five downloads whose clients take little.
  const uploads = Array.from({ length: 5 }, async (_, at) => {
    const outgoing = request({
      host: '127.0.0.1',
      port: site.port,
      path: `/api/v1/files/add?filename=${at}.bin`,
      method: 'POST',
      headers: { authorization, 'content-type': 'application/octet-stream' },
    })
    outgoing.on('error', () => {})
    outgoing.write(pattern(1_500_000, at))
    const [incoming] = await once(outgoing, 'response')
    let text = ''
    for await (const chunk of incoming) text += String(chunk)
    outgoing.destroy()
    return { status: incoming.statusCode as number, body: JSON.parse(text) as ErrorAnswer }
  })
  const downloads = [`/api/v1/files/cat?cid=${cid}`, `/ipfs/${cid}`].flatMap((path) =>
    Array.from({ length: 5 }, async () => {
      const port = path.startsWith('/ipfs') ? site.gatewayPort : site.port
      const outgoing = request({ host: '127.0.0.1', port, path, headers: { authorization } }).end()
      const [incoming] = await once(outgoing, 'response')
      expect(incoming.statusCode).toBe(200)
      return incoming
    }),
  )
  const bodies = await Promise.all(downloads)
  await until(() => site.server.kit.stats().runningCalls === 10)

  const restarted = await site.call('node.restart', { part: 'ipfs' })
  expect(JSON.parse(restarted.text)).toMatchObject({ name: 'ipfs', state: 'running', abandonedCalls: 0 })
  for (const { status, body } of await Promise.all(uploads)) {
    expect(status).toBe(503)
    expect(body).toMatchObject({ code: 'KIT_PART_UNAVAILABLE', retryable: true })
  }
  for (const incoming of bodies) {
    // An answer that cannot be finished is cut: it never looks whole.
    await expect(
      (async () => {
        for await (const _chunk of incoming) continue
      })(),
    ).rejects.toMatchObject({ code: 'ECONNRESET' })
  }

  expect((await site.gateway(`/ipfs/${cid}`)).body.equals(content)).toBe(true)
  const again = await site.add(pattern(1_500_000, 0))
  const pinned = linesOf(await site.call('pins.ls')).map((line) => String(line.cid))
  expect(new Set(pinned)).toEqual(new Set([cid, again]))
  expect(site.server.kit.stats().runningCalls).toBe(0)
})
