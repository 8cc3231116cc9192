import { afterAll, beforeAll, expect, it } from 'vitest'
import { serve, type Site } from './serving.ts'

let site: Site
beforeAll(async () => {
  site = await serve()
})
afterAll(() => site.close())

/** The samples by their name with labels. */
async function samples(): Promise<Map<string, number>> {
  const { text } = await site.ask('/metrics')
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => [
      line.slice(0, line.lastIndexOf(' ')),
      Number(line.slice(line.lastIndexOf(' ') + 1)),
    ]),
  )
}

it('is the text of Prometheus, with what the process and the node say of themselves', async () => {
  const answer = await site.ask('/metrics')
  expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  for (const line of answer.text.split('\n').filter((each) => each !== '')) {
    expect(line).toMatch(
      /^(# (HELP|TYPE) [a-z0-9_]+ .+|[a-z0-9_]+(\{([a-z_]+="[^"\\]*",?)+\})? (-?[0-9.e+-]+|NaN))$/,
    )
  }
  const names = new Set(Array.from((await samples()).keys(), (name) => name.split('{')[0]))
  for (const name of [
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
    'nodejs_heap_size_used_bytes',
  ]) {
    expect(names).toContain(name)
  }
  expect([...names].filter((name) => name?.startsWith('ipfs_kit_ipfs_')).length).toBeGreaterThan(3)
})

it('tells of the tree from its first call on', async () => {
  const names = async () => Array.from((await samples()).keys(), (name) => name.split('{')[0])
  expect(await names()).not.toContain('ipfs_kit_journal_tree_bytes')
  expect((await site.call('fs.mkdir', { path: '/made' })).status).toBe(200)
  for (let scrape = 0; scrape < 2; scrape += 1)
    expect(await names()).toEqual(
      expect.arrayContaining(['ipfs_kit_journal_tree_bytes', 'ipfs_kit_journal_checkpoint_age_ms']),
    )
})

it('counts the requests of both listeners and the calls of operations', async () => {
  const before = await samples()
  const cid = await site.add('hello')
  await site.gateway(`/ipfs/${cid}`)
  await site.gateway('/ipfs/nonsense')
  await site.call('files.cat', { cid: 'nonsense' })
  await site.ask('/api/v1/files/add', { method: 'POST' })
  const after = await samples()
  const grown = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0)
  const requests = (labels: string): number => grown(`ipfs_kit_http_requests_total{${labels}}`)
  expect(requests('server="gateway",method="GET",status="200"')).toBe(1)
  expect(requests('server="gateway",method="GET",status="400"')).toBe(1)
  expect(requests('server="api",method="POST",status="200"')).toBe(1)
  expect(requests('server="api",method="POST",status="400"')).toBe(1)
  expect(requests('server="api",method="POST",status="401"')).toBe(1)
  expect(requests('server="api",method="GET",status="200"')).toBe(1)
  expect(grown('ipfs_kit_http_request_duration_seconds_count{server="gateway"}')).toBe(2)
  expect(grown('ipfs_kit_operations_total{name="files.add",code="OK"}')).toBe(1)
  expect(grown('ipfs_kit_operations_total{name="files.cat",code="IPFS_INVALID_CID"}')).toBe(1)
  expect(after.get('ipfs_kit_http_requests_in_flight{server="api"}')).toBe(1)
  expect(after.get('ipfs_kit_http_requests_in_flight{server="gateway"}')).toBe(0)
})

it('counts the gateway also after it was restarted', async () => {
  await site.call('node.restart', { part: 'gateway' })
  const name = 'ipfs_kit_http_requests_total{server="gateway",method="GET",status="404"}'
  const before = (await samples()).get(name) ?? 0
  await site.gateway('/nothing')
  expect((await samples()).get(name)).toBe(before + 1)
})

it('says nothing of tokens, content, paths and hosts', async () => {
  const cid = await site.add('secret', 'filename=secret-name.txt')
  await site.gateway(`/ipfs/${cid}/secret-path?secret-query`)
  await site.ask('/secret-path', {
    headers: { host: 'secret.example', authorization: 'Bearer secret-token' },
  })
  await site.ask('/api/v1/secret/verb', { method: 'SEARCH', headers: { origin: 'http://secret.example' } })
  await site.call('files.cat', { cid: `${cid}/secret-path` })
  await site.call('node.restart', { part: 'secret-part' })
  const { text } = await site.ask('/metrics')
  expect(text).not.toContain(site.token)
  expect(text).not.toContain(cid)
  expect(text).not.toContain('secret')
  expect(text).not.toContain(site.server.kit.home.path)
  expect(text).not.toMatch(/\bbaf[a-z2-7]{20,}/)
})
