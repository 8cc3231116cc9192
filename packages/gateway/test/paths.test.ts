import { createGateway } from '@ipfs-kit/gateway'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serve } from './serving.ts'

const names = [
  'a b.txt',
  `quo"te's.txt`,
  'new\nline.txt',
  'tab\tand\rreturn.txt',
  '<script>alert(1)<.txt',
  'ünïcödé 文字 🜂.txt',
  '100%.txt',
  '%2e%2e',
  'a?b#c&d=e+f;g',
  'back\\slash.txt',
  ' spaces ',
  '...',
  '-',
  'n'.repeat(255),
]

describe('paths', () => {
  let site: Awaited<ReturnType<typeof serve>>
  let cids: Record<string, string>
  beforeAll(async () => {
    site = await serve({ limits: { maxUrlBytes: 4096 } })
    cids = await site.add({
      ...Object.fromEntries(names.map((name, index) => [`sub/${name}`, `content ${index}`])),
      'top.txt': 'top',
    })
  })
  afterAll(() => site.close())

  it.each(names)('serves the name %j by its percent-encoding', async (name) => {
    const path = `/ipfs/${cids['']}/sub/${encodeURIComponent(name)}`
    const answer = await site.ask(path)
    expect(answer.status).toBe(200)
    expect(answer.text).toBe(`content ${names.indexOf(name)}`)
    expect(answer.headers['x-ipfs-path']).toBe(path)
    expect(answer.headers['x-ipfs-roots']).toBe([cids[''], cids['sub'], cids[`sub/${name}`]].join(','))
  })

  it('takes UTF-8 that was not percent-encoded from servers that let it pass', async () => {
    const { handle } = createGateway({ ipfs: site.ipfs })
    const { signal } = new AbortController()
    const ask = (url: string) => handle({ method: 'GET', url, headers: { host: 'localhost' }, signal })
    const url = `/ipfs/${cids['']}/sub/ünïcödé 文字 🜂.txt?filename=ü`
    const answer = await ask(Buffer.from(url).toString('latin1'))
    expect(answer.status).toBe(200)
    expect(answer.headers['x-ipfs-path']).toMatch(/^[!-~]*$/)
    const folder = await ask(Buffer.from(`/ipfs/${cids['']}/sub?ü\r\nx: y`).toString('latin1'))
    expect(folder.headers['location']).toBe(`/ipfs/${cids['']}/sub/?%c3%bc%0d%0ax:%20y`)
    expect((await ask(url)).status).toBe(400)
  })

  it.each([
    ['a lone %', '%'],
    ['half an escape', '%4'],
    ['an escape that is not hexadecimal', '%zz'],
    ['a byte that is not UTF-8', '%ff'],
    ['an overlong slash', '%c0%af'],
    ['a surrogate', '%ed%a0%80'],
    ['an encoded NUL', 'a%00b'],
    ['an encoded slash', 'a%2fb'],
    ['an encoded slash that climbs', '..%2f..%2fetc'],
    ['a dot', '.'],
    ['two dots', '..'],
    ['encoded dots', '%2e%2e'],
    ['half encoded dots', '.%2E'],
    ['dots on the way', '../sub/top.txt'],
    ['dots that stay inside', 'sub/../top.txt'],
  ])('refuses %s', async (_, name) => {
    const answer = await site.ask(`/ipfs/${cids['']}/${name}`)
    expect(answer.status).toBe(400)
    expect(answer.text).toContain('GATEWAY_PATH')
  })

  it('refuses dots before the CID without normalising them', async () => {
    for (const path of [`/ipfs/../ipfs/${cids['']}/top.txt`, `/ipfs/./${cids['']}`]) {
      expect((await site.ask(path)).status).toBe(400)
    }
    expect((await site.ask(`/../ipfs/${cids['']}/top.txt`)).status).toBe(404)
  })

  it('takes double slashes for one', async () => {
    const answer = await site.ask(`/ipfs//${cids['']}//top.txt`)
    expect(answer.text).toBe('top')
    expect(answer.headers['x-ipfs-path']).toBe(`/ipfs/${cids['']}/top.txt`)
  })

  it('takes a target in absolute form and checks its host', async () => {
    const ask = (target: string) =>
      site.raw(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    expect(await ask(`http://127.0.0.1:4802/ipfs/${cids['']}/top.txt`)).toMatch(/^HTTP\/1\.1 200 [^]*top$/)
    expect(await ask(`http://evil.example/ipfs/${cids['']}/top.txt`)).toMatch(/^HTTP\/1\.1 403 /)
  })

  it('says what a CID looks like when it gets something else', async () => {
    for (const path of ['/ipfs/hello', '/ipfs/QmNotACid', '/ipfs/%20', '/ipfs/ipfs:/x']) {
      const answer = await site.ask(path)
      expect(answer.status).toBe(400)
      expect(answer.text).toMatch(/IPFS_INVALID_CID[^]*bafkrei/)
    }
  })

  it('says that a path without CID has none', async () => {
    for (const path of ['/ipfs', '/ipfs/', '/ipfs//']) {
      const answer = await site.ask(path)
      expect(answer.status).toBe(400)
      expect(answer.text).toContain('GATEWAY_PATH')
    }
  })

  it('answers 404 for content that is not here', async () => {
    const answer = await site.ask('/ipfs/bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e')
    expect(answer.status).toBe(404)
    expect(answer.text).toContain('IPFS_BLOCK_NOT_FOUND')
    expect(answer.headers['cache-control']).toBe('no-store')
  })

  it('answers 412 instead when only cached content is wanted', async () => {
    const headers = { 'cache-control': 'only-if-cached' }
    const absent = '/ipfs/bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e'
    for (const format of ['', '?format=raw', '?format=car']) {
      const answer = await site.ask(absent + format, { headers })
      expect(answer.status).toBe(412)
      expect(answer.text).toContain('GATEWAY_NOT_CACHED')
      expect((await site.ask(absent + format, { headers, method: 'HEAD' })).status).toBe(412)
    }
    expect((await site.ask(`/ipfs/${cids['']}/top.txt`, { headers })).status).toBe(200)
  })

  it('answers 404 for a name that is not in the folder and says which', async () => {
    const answer = await site.ask(`/ipfs/${cids['']}/sub/nowhere/deeper`)
    expect(answer.status).toBe(404)
    expect(answer.text).toMatch(/IPFS_PATH_NOT_FOUND[^]*nowhere/)
  })

  it('answers 404 for a path below a file', async () => {
    expect((await site.ask(`/ipfs/${cids['']}/top.txt/more`)).status).toBe(404)
  })

  it('tells what it serves outside of /ipfs/', async () => {
    for (const path of [
      '/',
      '/favicon.ico',
      '/api/v1/add',
      '/IPFS/x',
      '/%69pfs/x',
      '//evil.example/ipfs/x',
    ]) {
      const answer = await site.ask(path)
      expect(answer.status).toBe(404)
      expect(answer.text).toMatch(/GATEWAY_ROUTE[^]*\/ipfs\/<cid>/)
    }
  })

  it('answers 501 for /ipns/ and says what there is instead', async () => {
    const answer = await site.ask('/ipns/docs.ipfs.tech/')
    expect(answer.status).toBe(501)
    expect(answer.text).toMatch(/GATEWAY_IPNS[^]*\/ipfs\/<cid>/)
  })

  it('refuses a URL beyond its limit', async () => {
    const answer = await site.ask(`/ipfs/${cids['']}/${'x'.repeat(5000)}`)
    expect(answer.status).toBe(414)
    expect(answer.text).toContain('GATEWAY_URL_TOO_LONG')
  })

  it('follows a path of more names than a header has room for', async () => {
    const deep = Array.from({ length: 80 }, (_, depth) => `d${depth}`).join('/')
    const { '': root } = await site.add({ [`${deep}/file.txt`]: 'deep' })
    const answer = await site.ask(`/ipfs/${root}/${deep}/file.txt`)
    expect(answer.text).toBe('deep')
    expect(answer.headers['x-ipfs-roots']).toBeUndefined()
  })

  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'])(
    'refuses %s',
    async (method) => {
      const answer = await site.ask(`/ipfs/${cids['']}`, { method })
      expect(answer.status).toBe(405)
      expect(answer.headers['allow']).toBe('GET, HEAD')
      expect(answer.text).toContain('GATEWAY_METHOD')
    },
  )

  it('gives errors as JSON to clients that take it', async () => {
    const answer = await site.ask('/ipfs/hello', { headers: { accept: 'text/html;q=0.5, application/json' } })
    expect(answer.headers['content-type']).toBe('application/json')
    expect(JSON.parse(answer.text)).toMatchObject({
      code: 'IPFS_INVALID_CID',
      message: expect.stringContaining('hello'),
      next: expect.any(String),
      retryable: false,
      requestId: answer.headers['x-request-id'],
    })
  })

  it('sends no body with the error of a HEAD', async () => {
    const answer = await site.ask('/ipfs/hello', { method: 'HEAD' })
    expect(answer.status).toBe(400)
    expect(Number(answer.headers['content-length'])).toBeGreaterThan(0)
    expect(answer.body.length).toBe(0)
  })
})
