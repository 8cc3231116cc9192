import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lasting, pattern, serve } from './serving.ts'

const immutable = 'public, max-age=29030400, immutable'
const big = pattern(3 * 1024 * 1024 + 17)

describe('files', () => {
  let site: Awaited<ReturnType<typeof serve>>
  let cids: Record<string, string>
  beforeAll(async () => {
    site = await serve()
    cids = await site.add({
      'big.bin': big,
      'page.html': '<p>hi',
      'data.json': '{}',
      'module.js': 'export {}',
      'picture.svg': '<svg/>',
      'photo.jpeg': 'not really',
      README: 'plain words — ünïcödé',
      json: 'a name that is also an extension',
      noise: Uint8Array.from([0xff, 0xfe, 1, 2]),
      nul: Uint8Array.from([65, 0, 66]),
      'odd.unknownext': 'text',
      empty: '',
      split: `${'x'.repeat(4095)}é and more`,
      cut: Buffer.concat([Buffer.from('cut '), Buffer.from('é').subarray(0, 1)]),
    })
  })
  afterAll(() => site.close())

  it('serves a file of several blocks byte by byte', async () => {
    const answer = await site.ask(`/ipfs/${cids['']}/big.bin`)
    expect(answer.status).toBe(200)
    expect(answer.body.equals(big)).toBe(true)
    expect(answer.headers).toMatchObject({
      'content-length': String(big.length),
      'content-type': 'application/octet-stream',
      'accept-ranges': 'bytes',
      'cache-control': immutable,
      'cross-origin-resource-policy': 'same-site',
      etag: `"${cids['big.bin']}"`,
      vary: 'Accept',
      'x-content-type-options': 'nosniff',
      'x-ipfs-path': `/ipfs/${cids['']}/big.bin`,
      'x-ipfs-roots': `${cids['']},${cids['big.bin']}`,
    })
    expect(answer.headers['access-control-allow-origin']).toBeUndefined()
    expect(answer.headers['content-disposition']).toBeUndefined()
  })

  it('serves a file by its own CID', async () => {
    const answer = await site.ask(`/ipfs/${cids['big.bin']}`)
    expect(answer.body.equals(big)).toBe(true)
    expect(answer.headers['x-ipfs-roots']).toBe(cids['big.bin'])
  })

  it('serves files of the older profile', async () => {
    const old = await site.add({ 'old.bin': big }, { profile: 'unixfs-v0-2015' })
    expect(old['']).toMatch(/^Qm/)
    const answer = await site.ask(`/ipfs/${old['']}`)
    expect(answer.body.equals(big)).toBe(true)
    expect(answer.headers.etag).toBe(`"${old['']}"`)
  })

  it.each([
    ['page.html', 'text/html; charset=utf-8'],
    ['data.json', 'application/json; charset=utf-8'],
    ['module.js', 'text/javascript; charset=utf-8'],
    ['picture.svg', 'image/svg+xml'],
    ['photo.jpeg', 'image/jpeg'],
    ['README', 'text/plain; charset=utf-8'],
    ['json', 'text/plain; charset=utf-8'],
    ['noise', 'application/octet-stream'],
    ['nul', 'application/octet-stream'],
    ['odd.unknownext', 'text/plain; charset=utf-8'],
    ['empty', 'text/plain; charset=utf-8'],
    ['split', 'text/plain; charset=utf-8'],
    ['cut', 'application/octet-stream'],
  ])('gives %s the type %s, whole, in part, and without body', async (name, type) => {
    const path = `/ipfs/${cids['']}/${name}`
    expect((await site.ask(path)).headers['content-type']).toBe(type)
    expect((await site.ask(path, { method: 'HEAD' })).headers['content-type']).toBe(type)
    if (name === 'empty') return
    const part = await site.ask(path, { headers: { range: 'bytes=1-1' } })
    expect(part.status).toBe(206)
    expect(part.headers['content-type']).toBe(type)
  })

  it('serves an empty file', async () => {
    const answer = await site.ask(`/ipfs/${cids['']}/empty`)
    expect(answer.status).toBe(200)
    expect(answer.headers['content-length']).toBe('0')
    expect(answer.body.length).toBe(0)
  })

  it.each([
    'big.bin',
    'README',
    'empty',
    'big.bin?format=raw',
    'README?format=car',
    'README?filename=x%22y.txt',
  ])('answers HEAD of %s with the headers of GET and no body', async (name) => {
    const path = `/ipfs/${cids['']}/${name}`
    const get = await site.ask(path)
    const head = await site.ask(path, { method: 'HEAD' })
    expect(head.status).toBe(get.status)
    expect(head.body.length).toBe(0)
    expect(lasting(head.headers)).toEqual(lasting(get.headers))
  })

  it('sends no body with HEAD on the wire either', async () => {
    const wire = await site.raw(
      `HEAD /ipfs/${cids['']}/README HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    )
    expect(wire.endsWith('\r\n\r\n')).toBe(true)
    expect(wire).toMatch(/content-length: \d+/i)
  })

  it.each([
    ['filename=notes.txt', 'inline; filename="notes.txt"'],
    ['filename=notes.txt&download=true', 'attachment; filename="notes.txt"'],
    ['filename=notes.txt&download=false', 'inline; filename="notes.txt"'],
    ['download=true', 'attachment; filename="README"'],
    ['filename=', undefined],
    [
      'filename=test%D1%82%D0%B5%D1%81%D1%82.pdf',
      `inline; filename="test____.pdf"; filename*=UTF-8''test%D1%82%D0%B5%D1%81%D1%82.pdf`,
    ],
    [
      'filename=a%0D%0Ax-evil%3A%201.txt',
      `inline; filename="a__x-evil: 1.txt"; filename*=UTF-8''a%0D%0Ax-evil%3A%201.txt`,
    ],
    ['filename=a%22;b%5Cc/d.txt', `inline; filename="a_;b_c_d.txt"; filename*=UTF-8''a%22%3Bb_c_d.txt`],
    ["filename=it's%20(1)*.txt", `inline; filename="it's (1)*.txt"`],
    ['filename=%F0%9F%9C%82', `inline; filename="_"; filename*=UTF-8''%F0%9F%9C%82`],
    ['filename=50%2525', `inline; filename="50_25"; filename*=UTF-8''50%2525`],
  ])('gives ?%s the right content-disposition', async (query, header) => {
    const answer = await site.ask(`/ipfs/${cids['']}/README?${query}`)
    expect(answer.status).toBe(200)
    expect(answer.headers['content-disposition']).toBe(header)
    expect(answer.headers['x-evil']).toBeUndefined()
  })

  it('cuts a file name that is too long', async () => {
    const answer = await site.ask(`/ipfs/${cids['README']}?filename=${'%C3%A9'.repeat(1000)}`)
    expect(answer.headers['content-disposition']).toContain(`"${'_'.repeat(255)}"`)
  })

  it('names a download without name by its CID', async () => {
    const answer = await site.ask(`/ipfs/${cids['README']}?download=true`)
    expect(answer.headers['content-disposition']).toBe(`attachment; filename="${cids['README']}"`)
  })

  it('takes the type from the file name that is asked for', async () => {
    const answer = await site.ask(`/ipfs/${cids['README']}?filename=page.html`)
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8')
  })

  it('serves files to clients that prefer other types', async () => {
    for (const accept of [
      'application/json',
      'image/*',
      '*/*',
      'text/html, application/vnd.ipld.car;q=0.9',
      'nonsense;;,,',
    ]) {
      const answer = await site.ask(`/ipfs/${cids['']}/README`, { headers: { accept } })
      expect(answer.text).toBe('plain words — ünïcödé')
    }
  })

  it('refuses a service worker for a whole content root', async () => {
    const headers = { 'service-worker': 'script' }
    const answer = await site.ask(`/ipfs/${cids['module.js']}`, { headers })
    expect(answer.status).toBe(400)
    expect(answer.text).toContain('GATEWAY_SERVICE_WORKER')
    expect((await site.ask(`/ipfs/${cids['']}/module.js`, { headers })).status).toBe(200)
  })
})
