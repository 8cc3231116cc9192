import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { openServer, type Server } from '@ipfs-kit/mcp-server'
import { describe, expect, it, onTestFinished } from 'vitest'
import { anyPorts, serveOnce, temporaryHome } from './serving.ts'

/** A port that another program has. */
async function takenPort(): Promise<number> {
  const other = createServer()
  other.listen(0, '127.0.0.1')
  await once(other, 'listening')
  onTestFinished(() => void other.close())
  return (other.address() as AddressInfo).port
}

it('both listeners are on 127.0.0.1, and the home names them with the token', async () => {
  const home = await temporaryHome()
  const { server } = await serveOnce({ home })
  expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  expect(server.gatewayUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  expect(server.tokenFile).toBe(join(home, 'tokens', 'default'))
  expect((await stat(server.tokenFile)).mode & 0o777).toBe(0o600)
  const status = await server.kit.call('node.status', {})
  expect(status).toMatchObject({ url: server.url, gatewayUrl: server.gatewayUrl, home, role: 'server' })
})

it.each(['::1', 'localhost'])('the listeners can be on %s', async (host) => {
  const site = await serveOnce({ config: { api: { host, port: 0 }, gateway: { host, port: 0 } } })
  const shown = host === '::1' ? '[::1]' : host
  expect(site.server.url).toBe(`http://${shown}:${site.port}`)
  expect(await (await fetch(`${site.server.url}/healthz`)).json()).toEqual({ ok: true })
  expect((await fetch(site.server.gatewayUrl)).status).toBe(404)
})

it('a listener on another address than loopback is refused', async () => {
  const config = { api: { host: '0.0.0.0', port: 0 } }
  await expect(openServer({ isolated: true, config })).rejects.toMatchObject({ code: 'KIT_CONFIG_INVALID' })
})

it('options that contradict each other, or that nobody knows, are refused', async () => {
  await expect(openServer({ isolated: true, home: '/tmp/x' })).rejects.toThrow(TypeError)
  // @ts-expect-error there is no such option
  await expect(openServer({ isolate: true })).rejects.toThrow('openServer has no option isolate')
})

describe('a port that another program has', () => {
  it.each(['api', 'gateway'] as const)(
    'of the %s ends the opening, and everything is closed',
    async (door) => {
      const home = await temporaryHome()
      const port = await takenPort()
      const failure = openServer({ home, config: { ...anyPorts, [door]: { port } } })
      await expect(failure).rejects.toMatchObject({
        code: 'SERVER_PORT_UNAVAILABLE',
        kind: 'invalid',
        message: expect.stringContaining(`${port} on 127.0.0.1 is in use`),
        next: expect.stringContaining('--gateway-port'),
      })
      expect(existsSync(join(home, 'holder.json'))).toBe(false)
      const site = await serveOnce({ home })
      expect((await site.ask('/readyz')).status).toBe(200)
    },
  )

  it('of the gateway frees that of the API too', async () => {
    const home = await temporaryHome()
    const site = await serveOnce({ home: await temporaryHome() })
    const api = { port: site.port }
    await site.close()
    const gateway = { port: await takenPort() }
    await expect(openServer({ home, config: { api, gateway } })).rejects.toMatchObject({
      code: 'SERVER_PORT_UNAVAILABLE',
    })
    const again = await serveOnce({ home, config: { api, gateway: { port: 0 } } })
    expect(again.port).toBe(api.port)
  })

  it('leaves nothing of an isolated home', async () => {
    const folder = await temporaryHome()
    const { TMPDIR } = process.env
    onTestFinished(() => {
      if (TMPDIR === undefined) delete process.env.TMPDIR
      else process.env.TMPDIR = TMPDIR
    })
    process.env.TMPDIR = folder
    const api = { port: await takenPort() }
    await expect(openServer({ isolated: true, config: { ...anyPorts, api } })).rejects.toMatchObject({
      code: 'SERVER_PORT_UNAVAILABLE',
    })
    expect(await readdir(folder)).toEqual([])
    const site = await serveOnce()
    expect(await readdir(folder)).toHaveLength(1)
    await site.close()
    expect(await readdir(folder)).toEqual([])
  })
})

describe('a home that is held', () => {
  it('is refused with who holds it, and stays as it is', async () => {
    const home = await temporaryHome()
    const site = await serveOnce({ home })
    await expect(openServer({ home, config: anyPorts })).rejects.toMatchObject({
      code: 'KIT_HOME_LOCKED',
      message: expect.stringMatching(new RegExp(`pid ${process.pid} at ${site.server.url}`)),
    })
    expect((await site.ask('/readyz')).status).toBe(200)
    await expect(openServer({ home, config: anyPorts })).rejects.toMatchObject({ code: 'KIT_HOME_LOCKED' })
  })

  it('is opened when its holder ends within waitMs', async () => {
    const home = await temporaryHome()
    const site = await serveOnce({ home })
    const waiting = openServer({ home, config: anyPorts, waitMs: 100_000 })
    await site.close()
    const server = await waiting
    onTestFinished(() => server.close())
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
  })

  it('is one server of many that are opened at once', async () => {
    const home = await temporaryHome()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 5 }, () => openServer({ home, config: anyPorts })),
    )
    const open = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    for (const server of open) onTestFinished(() => server.close())
    expect(open).toHaveLength(1)
  })
})

it('a home of a newer format, a broken one and an unwritable place are refused by name', async () => {
  const newer = await temporaryHome()
  await writeFile(join(newer, 'format'), '99\n')
  await expect(openServer({ home: newer })).rejects.toMatchObject({ code: 'KIT_HOME_TOO_NEW' })

  const broken = await temporaryHome()
  await writeFile(join(broken, 'config.toml'), 'api = 5\n')
  await expect(openServer({ home: broken })).rejects.toMatchObject({ code: 'KIT_CONFIG_INVALID' })

  const file = join(await temporaryHome(), 'file')
  await writeFile(file, '')
  await expect(openServer({ home: join(file, 'home') })).rejects.toMatchObject({
    code: 'KIT_HOME_UNWRITABLE',
  })

  const open = await temporaryHome()
  await mkdir(join(open, 'tokens'), { mode: 0o755 })
  await expect(openServer({ home: open, config: anyPorts })).rejects.toMatchObject({
    code: 'CREDENTIALS_UNSAFE_FILE',
  })
})

describe('a signal', () => {
  it('that is aborted already lets nothing be opened', async () => {
    const home = await temporaryHome()
    const signal = AbortSignal.abort(new Error('not today'))
    await expect(openServer({ home, config: anyPorts, signal })).rejects.toThrow('not today')
    await serveOnce({ home })
  })

  it('ends the opening at any moment, and everything is closed', async () => {
    const home = await temporaryHome()
    let opened: Server | undefined
    for (let turns = 0; opened === undefined; turns = turns * 2 + 1) {
      const controller = new AbortController()
      const opening = openServer({ home, config: anyPorts, signal: controller.signal })
      const outcome = opening.then(
        (server) => ({ server }),
        (error: unknown) => ({ error }),
      )
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
      const reason = new Error(`after ${turns} turns`)
      controller.abort(reason)
      const result = await outcome
      if ('server' in result) opened = result.server
      else expect(result.error).toBe(reason)
    }
    await opened.close()
    await serveOnce({ home })
  })

  it('has no meaning for a server that is open', async () => {
    const controller = new AbortController()
    const site = await serveOnce({ signal: controller.signal })
    controller.abort(new Error('too late'))
    expect((await site.ask('/readyz')).status).toBe(200)
  })
})
