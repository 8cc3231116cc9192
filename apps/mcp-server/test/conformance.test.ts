import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { serve, type Site } from './serving.ts'

/** The conformance suite of the protocol: the scenarios that want no tools, prompts and resources of their own. */
const scenarios = [
  ['server-initialize', '2025-11-25'],
  ['server-session-lifecycle', '2025-11-25'],
  ['ping', '2025-11-25'],
  ['tools-list', '2025-11-25'],
  ['tools-list', '2026-07-28'],
  ['dns-rebinding-protection', '2025-11-25'],
  ['dns-rebinding-protection', '2026-07-28'],
  ['http-header-validation', '2026-07-28'],
] as const

const program = fileURLToPath(
  new URL('../node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url),
)

let site: Site
/** The suite cannot send a token: this adds it, and passes everything else on as it is, Host and Origin too. */
const proxy = createServer((incoming, outgoing) => {
  const { method = '', url = '', headers } = incoming
  const authorization = `Bearer ${site.token}`
  const forwarded = request(
    {
      host: '127.0.0.1',
      port: site.port,
      method,
      path: url,
      headers: { ...headers, authorization },
      setHost: false,
    },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 0, answer.headers)
      answer.pipe(outgoing)
    },
  )
  forwarded.on('error', () => outgoing.destroy())
  incoming.pipe(forwarded)
})

beforeAll(async () => {
  site = await serve()
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
})
afterAll(async () => {
  proxy.closeAllConnections()
  proxy.close()
  await site.close()
})

it.each(scenarios)('passes the scenario %s of %s', async (scenario, version) => {
  const url = `http://localhost:${(proxy.address() as AddressInfo).port}/mcp`
  const parameters = ['server', '--url', url, '--scenario', scenario, '--spec-version', version]
  const run = spawn(process.execPath, [program, ...parameters], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  run.stdout.on('data', (text) => (output += String(text)))
  run.stderr.on('data', (text) => (output += String(text)))
  const [code] = await once(run, 'close')
  expect(output).toMatch(/Passed: [1-9]\d*\/[1-9]\d*, 0 failed/)
  expect(code, output).toBe(0)
})
