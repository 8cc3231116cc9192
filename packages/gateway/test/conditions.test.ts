import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serve } from './serving.ts'

describe('conditions', () => {
  let site: Awaited<ReturnType<typeof serve>>
  let cids: Record<string, string>
  beforeAll(async () => {
    site = await serve()
    cids = await site.add({ 'a.txt': 'a', 'web/index.html': '<p>', 'web/x': 'x' })
  })
  afterAll(() => site.close())

  const targets = [
    '/a.txt',
    '/a.txt?format=raw',
    '/a.txt?format=car',
    '/',
    '/web/',
    '?format=raw',
    '?format=car&dag-scope=all',
  ]

  it.each(targets)('answers 304 for %s when the client has it', async (target) => {
    const path = `/ipfs/${cids['']}${target}`
    const first = await site.ask(path)
    expect(first.status).toBe(200)
    const { etag = '' } = first.headers
    const strong = etag.replace('W/', '')
    for (const condition of [
      etag,
      strong,
      `W/${strong}`,
      '*',
      ' * ',
      `"x", ${etag}`,
      `"a,b",W/${strong}, "c"`,
    ]) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await site.ask(path, { method, headers: { 'if-none-match': condition } })
        expect(answer.status, condition).toBe(304)
        expect(answer.body.length).toBe(0)
        for (const name of ['etag', 'cache-control', 'vary', 'x-ipfs-path', 'x-ipfs-roots']) {
          expect(answer.headers[name]).toBe(first.headers[name])
        }
        expect(answer.headers['content-type']).toBeUndefined()
      }
    }
  })

  it.each(targets)('answers 200 for %s when the client has something else', async (target) => {
    for (const condition of ['"x"', '', cids['a.txt'] ?? '', `"${cids['']}`, `"${cids['']}x"`]) {
      const answer = await site.ask(`/ipfs/${cids['']}${target}`, { headers: { 'if-none-match': condition } })
      expect(answer.status, condition).toBe(200)
    }
  })

  it('gives each representation of a CID its own entity tag', async () => {
    const { '': root, 'a.txt': file } = cids
    const tag = async (path: string) => (await site.ask(`/ipfs/${path}`)).headers.etag
    expect(await tag(`${root}/a.txt`)).toBe(`"${file}"`)
    expect(await tag(`${root}/a.txt?format=raw`)).toBe(`"${file}.raw"`)
    expect(await tag(`${root}/a.txt?format=car`)).toBe(`W/"${file}.car"`)
    expect(await tag(`${root}/a.txt?format=car&dag-scope=all`)).toBe(`W/"all.${file}.car"`)
    expect(await tag(`${root}/`)).toMatch(new RegExp(`^"DirIndex-.*_CID-${root}"$`))
    expect(await tag(`${root}/web/`)).toBe(`"${cids['web/index.html']}"`)
  })

  it('does not answer 304 for content that is not here', async () => {
    const absent = '/ipfs/bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e'
    for (const format of ['', '?format=raw', '?format=car']) {
      expect((await site.ask(absent + format, { headers: { 'if-none-match': '*' } })).status).toBe(404)
    }
  })

  it('answers 304 rather than 206', async () => {
    const headers = { 'if-none-match': `"${cids['a.txt']}"`, range: 'bytes=0-0' }
    expect((await site.ask(`/ipfs/${cids['a.txt']}`, { headers })).status).toBe(304)
  })
})
