import { CID } from 'multiformats/cid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serve } from './serving.ts'

describe('nodes', () => {
  let site: Awaited<ReturnType<typeof serve>>
  let file: string
  beforeAll(async () => {
    site = await serve()
    file = (await site.add({ 'a.txt': 'a' }, {}))[''] ?? ''
  })
  afterAll(() => site.close())

  it.each([
    ['dag-cbor', 'application/vnd.ipld.dag-cbor', 'attachment', 'cbor'],
    ['dag-json', 'application/vnd.ipld.dag-json', 'inline', 'json'],
  ] as const)('serves a %s node as it is', async (codec, mediaType, kind, extension) => {
    const cid = await site.ipfs.dag.put({ hello: 'world' }, { codec })
    const answer = await site.ask(`/ipfs/${cid}`)
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe(mediaType)
    expect(answer.headers['content-disposition']).toBe(`${kind}; filename="${cid}.${extension}"`)
    expect(answer.body.equals(await site.ipfs.blocks.get(cid))).toBe(true)
    const head = await site.ask(`/ipfs/${cid}`, { method: 'HEAD' })
    expect(head.headers['content-length']).toBe(String(answer.body.length))
    expect((await site.ask(`/ipfs/${cid}`, { headers: { 'if-none-match': `"${cid}"` } })).status).toBe(304)
  })

  it('follows a path through a node to a file', async () => {
    const cid = await site.ipfs.dag.put({ files: { 'a.txt': CID.parse(file) } }, { codec: 'dag-cbor' })
    const answer = await site.ask(`/ipfs/${cid}/files/a.txt`)
    expect(answer.text).toBe('a')
    expect(answer.headers['x-ipfs-roots']).toBeUndefined()
  })

  it('answers 501 for a value inside a node and 404 for one that is not there', async () => {
    const cid = await site.ipfs.dag.put({ a: { b: 1 } }, { codec: 'dag-cbor' })
    for (const path of ['a', 'a/b']) {
      const answer = await site.ask(`/ipfs/${cid}/${path}`)
      expect(answer.status).toBe(501)
      expect(answer.text).toContain('GATEWAY_INNER_PATH')
    }
    expect((await site.ask(`/ipfs/${cid}/c`)).status).toBe(404)
  })

  it('refuses a node that has no media type and offers the block', async () => {
    const cid = await site.ipfs.dag.put({ Links: [] }, { codec: 'dag-pb' })
    const answer = await site.ask(`/ipfs/${cid}`)
    expect(answer.status).toBe(400)
    expect(answer.text).toMatch(/GATEWAY_CODEC[^]*format=raw/)
    expect((await site.ask(`/ipfs/${cid}?format=raw`)).status).toBe(200)
  })
})
