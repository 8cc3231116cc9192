import { afterAll, beforeAll, expect, it } from 'vitest'
import { serve, type Site } from './serving.ts'

const page = '<!doctype html><script>fetch("/api/v1/node/status")</script>'

let site: Site
let cid: string
beforeAll(async () => {
  site = await serve()
  cid = await site.add(page, 'filename=index.html&wrap=true')
})
afterAll(() => site.close())

it('a page out of a CID is a page on the gateway only', async () => {
  const shown = await site.gateway(`/ipfs/${cid}/`)
  expect(shown).toMatchObject({ status: 200, text: page })
  expect(shown.headers['content-type']).toBe('text/html; charset=utf-8')
  expect(site.gatewayPort).not.toBe(site.port)
  for (const path of [`/ipfs/${cid}/`, `/ipfs/${cid}/index.html`, `/${cid}/index.html`]) {
    expect((await site.ask(path)).status).toBe(404)
  }
})

it('the API gives the same bytes as what no browser runs', async () => {
  const answer = await site.call('files.cat', { cid: `${cid}/index.html` })
  expect(answer).toMatchObject({ status: 200, text: page })
  expect(answer.headers['content-type']).toBe('application/octet-stream')
  expect(answer.headers['x-content-type-options']).toBe('nosniff')
  expect(answer.headers['content-security-policy']).toBe("default-src 'none'; sandbox")
})

it('nothing of the API is on the gateway, with or without the token', async () => {
  for (const path of [
    '/api/v1/node/status',
    '/api/v1/openapi.json',
    '/mcp',
    '/metrics',
    '/healthz',
    '/readyz',
  ]) {
    for (const headers of [{}, { authorization: `Bearer ${site.token}` }]) {
      expect((await site.gateway(path, { headers })).status).toBe(404)
      expect((await site.gateway(path, { method: 'POST', headers })).status).toBe(405)
    }
  }
})

it('no answer of either lets pages of other origins read it, and the API none embed it', async () => {
  const authorization = `Bearer ${site.token}`
  const api = await Promise.all(
    [
      site.ask('/healthz'),
      site.ask('/readyz'),
      site.ask('/metrics'),
      site.ask('/nothing'),
      site.ask('/mcp', { headers: { authorization } }),
      site.ask('/api/v1/openapi.json', { headers: { authorization } }),
      site.call('node.status'),
      site.call('node.parts'),
      site.call('files.cat', { cid: `${cid}/index.html` }),
      site.call('files.cat', { cid: 'nonsense' }),
    ].map(async (asked) => (await asked).headers),
  )
  for (const headers of api) {
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['cross-origin-resource-policy']).toBe('same-origin')
    expect(headers['x-request-id']).toBeTruthy()
  }
  const content = [await site.gateway(`/ipfs/${cid}/`), await site.gateway('/ipfs/nonsense')]
  for (const headers of [...api, ...content.map((answer) => answer.headers)]) {
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([])
  }
})

it('the gateway refuses names that foreign pages can have, and is open to programs', async () => {
  for (const host of ['evil.example', undefined]) {
    const answer = await site.gateway(`/ipfs/${cid}/`, { headers: { host } })
    expect(answer.status).toBe(403)
    expect(answer.text).toContain('GATEWAY_HOST')
  }
  for (const host of ['localhost', '[::1]:1', `${cid}.ipfs.localhost`]) {
    expect((await site.gateway(`/ipfs/${cid}/`, { headers: { host } })).status).toBe(200)
  }
})
