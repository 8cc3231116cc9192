import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pattern, serve } from './serving.ts'

const size = 2 * 1024 * 1024 + 100
const content = pattern(size)

describe('ranges', () => {
  let site: Awaited<ReturnType<typeof serve>>
  let cids: Record<string, string>
  beforeAll(async () => {
    site = await serve()
    cids = await site.add({ 'a.bin': content, 'empty.bin': '', 'small.bin': '0123456789' })
  })
  afterAll(() => site.close())

  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=0-9', 0, 10],
    ['bytes=1048570-1048580', 1_048_570, 11],
    ['bytes=100-', 100, size - 100],
    ['bytes=0-', 0, size],
    ['bytes=-5', size - 5, 5],
    [`bytes=-${size + 1}`, 0, size],
    [`bytes=${size - 1}-`, size - 1, 1],
    [`bytes=${size - 1}-${size + 999}`, size - 1, 1],
    ['bytes=5-99999999999999999999999', 5, size - 5],
    ['BYTES= 1-2 ', 1, 2],
  ])('answers %s with 206', async (range, offset, length) => {
    const answer = await site.ask(`/ipfs/${cids['a.bin']}`, { headers: { range } })
    expect(answer.status).toBe(206)
    expect(answer.headers['content-range']).toBe(`bytes ${offset}-${offset + length - 1}/${size}`)
    expect(answer.headers['content-length']).toBe(String(length))
    expect(answer.headers.etag).toBe(`"${cids['a.bin']}"`)
    expect(answer.body.equals(content.subarray(offset, offset + length))).toBe(true)
  })

  it.each([`bytes=${size}-`, `bytes=${size}-${size + 5}`, 'bytes=99999999999999999999-', 'bytes=-0'])(
    'answers %s with 416 and the size',
    async (range) => {
      const answer = await site.ask(`/ipfs/${cids['a.bin']}`, { headers: { range } })
      expect(answer.status).toBe(416)
      expect(answer.headers['content-range']).toBe(`bytes */${size}`)
      expect(answer.text).toContain('GATEWAY_RANGE')
    },
  )

  it.each([
    'bytes=0-1,5-6',
    'bytes=5-2',
    'bytes=-',
    'bytes=a-b',
    'bytes=1',
    'items=0-1',
    'bytes=--5',
    'bytes',
    '',
  ])('ignores %j and sends the whole', async (range) => {
    const answer = await site.ask(`/ipfs/${cids['small.bin']}`, { headers: { range } })
    expect(answer.status).toBe(200)
    expect(answer.headers['content-range']).toBeUndefined()
    expect(answer.text).toBe('0123456789')
  })

  it('has no byte to give of an empty file', async () => {
    const path = `/ipfs/${cids['']}/empty.bin`
    for (const range of ['bytes=0-', 'bytes=0-0', 'bytes=-0']) {
      const answer = await site.ask(path, { headers: { range } })
      expect(answer.status).toBe(416)
      expect(answer.headers['content-range']).toBe('bytes */0')
    }
    expect((await site.ask(path, { headers: { range: 'bytes=-5' } })).status).toBe(200)
  })

  it('ignores a range of HEAD, for which none is defined', async () => {
    const answer = await site.ask(`/ipfs/${cids['a.bin']}`, {
      method: 'HEAD',
      headers: { range: 'bytes=0-1' },
    })
    expect(answer.status).toBe(200)
    expect(answer.headers['content-length']).toBe(String(size))
  })

  it('reads no more blocks than the range needs', async () => {
    const before = site.ipfs.stats().blocksRead
    await site.ask(`/ipfs/${cids['a.bin']}?filename=a.bin`, { headers: { range: 'bytes=0-9' } })
    // The root for its size, the root again to read, one leaf.
    expect(site.ipfs.stats().blocksRead - before).toBeLessThanOrEqual(3)
  })

  it('serves ranges of a raw block', async () => {
    const path = `/ipfs/${cids['small.bin']}?format=raw`
    const answer = await site.ask(path, { headers: { range: 'bytes=2-4' } })
    expect(answer.status).toBe(206)
    expect(answer.text).toBe('234')
    expect(answer.headers['content-range']).toBe('bytes 2-4/10')
    expect((await site.ask(path, { headers: { range: 'bytes=10-' } })).status).toBe(416)
  })

  it('serves a range when If-Range has the entity tag, and the whole otherwise', async () => {
    const path = `/ipfs/${cids['small.bin']}`
    const ask = (ifRange: string) => site.ask(path, { headers: { range: 'bytes=0-1', 'if-range': ifRange } })
    expect((await ask(`"${cids['small.bin']}"`)).status).toBe(206)
    for (const other of [`W/"${cids['small.bin']}"`, '"other"', 'Wed, 21 Oct 2015 07:28:00 GMT', '*']) {
      expect((await ask(other)).status).toBe(200)
    }
  })

  it('ignores a range of an archive', async () => {
    const answer = await site.ask(`/ipfs/${cids['small.bin']}?format=car`, {
      headers: { range: 'bytes=0-1' },
    })
    expect(answer.status).toBe(200)
    expect(answer.headers['accept-ranges']).toBe('none')
  })
})
