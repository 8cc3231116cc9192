import { CarReader } from '@ipld/car/reader'
import { CID } from 'multiformats/cid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { all, openTemporary, pattern, serve } from './serving.ts'

describe('blocks and archives', () => {
  let site: Awaited<ReturnType<typeof serve>>
  let cids: Record<string, string>
  let hamt: Record<string, string>
  beforeAll(async () => {
    site = await serve()
    cids = await site.add({
      'docs/deep/big.bin': pattern(2_500_000),
      'docs/deep/twin.bin': pattern(2_500_000),
      'docs/readme.txt': 'readme',
    })
    hamt = await site.add(
      Object.fromEntries(
        Array.from({ length: 5000 }, (_, index) => [`f/file-${String(index).padStart(20, '0')}`, `${index}`]),
      ),
    )
  })
  afterAll(() => site.close())

  const blocksOf = async (bytes: Uint8Array) => {
    const reader = await CarReader.fromBytes(bytes)
    return {
      roots: (await reader.getRoots()).map(String),
      cids: (await all(reader.blocks())).map(({ cid }) => cid.toString()),
    }
  }

  it.each([
    ['the query', '?format=raw', {}],
    ['the Accept header', '', { accept: 'application/vnd.ipld.raw' }],
    ['the query against the Accept header', '?format=raw', { accept: 'application/vnd.ipld.car' }],
    [
      'the best media type',
      '',
      { accept: 'application/vnd.ipld.car;q=0.1, application/vnd.ipld.raw;q=0.9, */*;q=0.05' },
    ],
  ])('serves the block of a path by %s', async (_, query, headers) => {
    const answer = await site.ask(`/ipfs/${cids['']}/docs/readme.txt${query}`, { headers })
    expect(answer.status).toBe(200)
    expect(answer.text).toBe('readme')
    expect(answer.headers).toMatchObject({
      'content-type': 'application/vnd.ipld.raw',
      'content-disposition': `attachment; filename="${cids['docs/readme.txt']}.bin"`,
      'content-length': '6',
      'cache-control': 'public, max-age=29030400, immutable',
      'x-content-type-options': 'nosniff',
    })
  })

  it('serves the block of a folder without redirect', async () => {
    const answer = await site.ask(`/ipfs/${cids['']}/docs?format=raw`)
    expect(answer.body.equals(await site.ipfs.blocks.get(cids['docs'] ?? ''))).toBe(true)
  })

  it('says which URL has what an Accept header chose', async () => {
    const path = `/ipfs/${cids['docs/readme.txt']}`
    const location = async (query: string, accept: string) =>
      (await site.ask(path + query, { headers: { accept } })).headers['content-location']
    expect(await location('', 'application/vnd.ipld.raw')).toBe(`${path}?format=raw`)
    expect(await location('?filename=x', 'application/vnd.ipld.car')).toBe(`${path}?filename=x&format=car`)
    expect(await location('?format=raw', 'application/vnd.ipld.car')).toBe(`${path}?format=raw`)
    expect(await location('?format=raw', 'application/vnd.ipld.raw')).toBeUndefined()
    expect(await location('', '*/*')).toBeUndefined()
    expect((await site.ask(`${path}?format=raw`)).headers.vary).toBeUndefined()
  })

  it('serves the archive of a whole DAG, each block once', async () => {
    const answer = await site.ask(`/ipfs/${cids['']}?format=car`)
    expect(answer.status).toBe(200)
    expect(answer.headers).toMatchObject({
      'content-type': 'application/vnd.ipld.car; version=1; order=dfs; dups=n',
      'content-disposition': `attachment; filename="${cids['']}.car"`,
      'x-content-type-options': 'nosniff',
      'accept-ranges': 'none',
    })
    const archive = await blocksOf(answer.body)
    expect(archive.roots).toEqual([cids['']])
    expect(archive.cids[0]).toBe(cids[''])
    expect(new Set(archive.cids).size).toBe(archive.cids.length)
    expect(archive.cids).toEqual(expect.arrayContaining(Object.values(cids)))
  })

  it('can be imported elsewhere', async () => {
    const { body } = await site.ask(`/ipfs/${cids['']}/docs?format=car`)
    const other = await openTemporary()
    try {
      const { roots } = await other.ipfs.car.import(
        (async function* () {
          yield body
        })(),
      )
      expect(roots.map(String)).toEqual([cids['docs']])
      const { body: content } = await other.ipfs.files.cat(`${cids['docs']}/deep/big.bin`)
      expect(Buffer.concat(await all(content)).equals(pattern(2_500_000))).toBe(true)
    } finally {
      await other.close()
    }
  })

  it('puts the blocks of the path before the DAG at its end, and nothing else', async () => {
    const answer = await site.ask(`/ipfs/${cids['']}/docs/deep/big.bin?format=car`)
    const archive = await blocksOf(answer.body)
    expect(archive.roots).toEqual([cids['docs/deep/big.bin']])
    expect(archive.cids.slice(0, 4)).toEqual([
      cids[''],
      cids['docs'],
      cids['docs/deep'],
      cids['docs/deep/big.bin'],
    ])
    expect(archive.cids).not.toContain(cids['docs/readme.txt'])
    expect(archive.cids).toHaveLength(4 + 3)
  })

  it('puts the inner blocks of HAMT folders into the path, so that it can be verified without the gateway', async () => {
    const name = `file-${'4321'.padStart(20, '0')}`
    const { body } = await site.ask(`/ipfs/${hamt['']}/f/${name}?format=car`)
    const archive = await blocksOf(body)
    expect(archive.cids.slice(0, 2)).toEqual([hamt[''], hamt['f']])
    expect(archive.cids.at(-1)).toBe(hamt[`f/${name}`])
    const other = await openTemporary()
    try {
      // The rest of the folder is missing there, so it cannot be imported as a whole: block by block.
      for await (const { cid, bytes } of (await CarReader.fromBytes(body)).blocks()) {
        const codec = cid.code === 0x70 ? 'dag-pb' : 'raw'
        expect(String(await other.ipfs.blocks.put(bytes, { codec }))).toBe(cid.toString())
      }
      expect(String(await other.ipfs.files.resolve(`${hamt['']}/f/${name}`))).toBe(hamt[`f/${name}`])
    } finally {
      await other.close()
    }
  })

  it('puts the nodes of the path through dag-cbor and dag-json', async () => {
    const leaf = CID.parse(cids['docs/readme.txt'] ?? '')
    const inner = await site.ipfs.dag.put({ here: { leaf } }, { codec: 'dag-json' })
    const outer = await site.ipfs.dag.put({ list: [1, { inner }] }, { codec: 'dag-cbor' })
    const answer = await site.ask(`/ipfs/${outer}/list/1/inner/here/leaf?format=car`)
    expect((await blocksOf(answer.body)).cids).toEqual([outer, inner, leaf].map(String))
  })

  it.each([
    ['car-version=1', 200],
    ['dag-scope=all&car-order=dfs&car-dups=n', 200],
    ['car-order=unk', 200],
    ['car-version=2', 501],
    ['car-version=3', 400],
    ['car-order=bfs', 400],
    ['car-dups=y', 501],
    ['car-dups=maybe', 400],
    ['dag-scope=block', 501],
    ['dag-scope=entity', 501],
    ['dag-scope=some', 400],
    ['entity-bytes=0:*', 501],
  ])('answers an archive with %s by %i', async (query, status) => {
    const answer = await site.ask(`/ipfs/${cids['docs/readme.txt']}?format=car&${query}`)
    expect(answer.status).toBe(status)
    if (status === 400) expect(answer.text).toContain('the known values are')
    if (status === 501) expect(answer.text).toContain('GATEWAY_FORMAT')
  })

  it('takes the next variant that the client accepts when it cannot serve the first', async () => {
    const path = `/ipfs/${cids['docs/readme.txt']}`
    const type = async (accept: string) =>
      (await site.ask(path, { headers: { accept } })).headers['content-type']
    const car = 'application/vnd.ipld.car; version=1; order=dfs; dups=n'
    expect(await type('application/vnd.ipld.car; version=1; order=dfs; dups=n')).toBe(car)
    expect(await type('application/vnd.ipld.car;dups="n"')).toBe(car)
    expect(await type('application/vnd.ipld.car;order=foo, application/vnd.ipld.car;q=0.5')).toBe(car)
    expect(await type('application/vnd.ipld.car;dups=y, application/vnd.ipld.raw;q=0.5')).toBe(
      'application/vnd.ipld.raw',
    )
    expect(await type('application/x-tar, */*;q=0.1')).toBe('text/plain; charset=utf-8')
    expect(await type('application/vnd.ipld.car;q=0, */*')).toBe('text/plain; charset=utf-8')
    expect((await site.ask(path, { headers: { accept: 'application/vnd.ipld.car;dups=y' } })).status).toBe(
      501,
    )
    expect(
      (await site.ask(`${path}?car-dups=n`, { headers: { accept: 'application/vnd.ipld.car;dups=y' } }))
        .status,
    ).toBe(200)
  })

  it.each(['tar', 'dag-json', 'dag-cbor', 'json', 'cbor', 'ipns-record'])(
    'answers 501 for format=%s',
    async (format) => {
      const answer = await site.ask(`/ipfs/${cids['docs/readme.txt']}?format=${format}`)
      expect(answer.status).toBe(501)
      expect(answer.text).toMatch(/GATEWAY_FORMAT[^]*format=raw or format=car/)
    },
  )

  it('answers 501 for a media type of a format that is not served when the client takes nothing else', async () => {
    const headers = { accept: 'application/vnd.ipld.dag-json' }
    expect((await site.ask(`/ipfs/${cids['docs/readme.txt']}`, { headers })).status).toBe(501)
  })

  it.each(['zip', '', 'RAW', 'toString', '__proto__'])(
    'refuses the unknown format %j and names the known ones',
    async (format) => {
      const answer = await site.ask(`/ipfs/${cids['docs/readme.txt']}?format=${format}`)
      expect(answer.status).toBe(400)
      expect(answer.text).toMatch(/GATEWAY_PARAMETER[^]*raw, car, tar/)
    },
  )

  it('answers the probe for a trustless gateway', async () => {
    const raw = await site.ask('/ipfs/bafkqaaa?format=raw')
    expect([raw.status, raw.body.length]).toEqual([200, 0])
    const car = await site.ask('/ipfs/bafkqaaa?format=car')
    expect(car.status).toBe(200)
    expect(await blocksOf(car.body)).toEqual({ roots: ['bafkqaaa'], cids: [] })
    expect((await site.ask('/ipfs/bafkqaaa', { method: 'HEAD' })).status).toBe(200)
  })

  it('answers 404 for a missing root in every format', async () => {
    const absent = '/ipfs/bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e'
    for (const format of ['raw', 'car']) {
      for (const method of ['GET', 'HEAD']) {
        expect((await site.ask(`${absent}?format=${format}`, { method })).status).toBe(404)
      }
    }
  })
})
