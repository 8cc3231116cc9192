import { createHash } from 'node:crypto'
import { createGateway } from '@ipfs-kit/gateway'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { add, all, lasting, openTemporary, serve } from './serving.ts'

const hostile = [
  `<script>alert('1')<!--`,
  `"><img src=x onerror=alert(1)>`,
  `' onmouseover='alert(1)`,
  'javascript:alert(1)',
  'new\nline',
  'a&amp;b',
  '\u202Etxt.exe',
  '%2e%2e',
  'a?b#c',
]

describe('folders', () => {
  let site: Awaited<ReturnType<typeof serve>>
  let cids: Record<string, string>
  let hamt: Record<string, string>
  beforeAll(async () => {
    site = await serve({ limits: { maxListingEntries: 5000 } })
    cids = await site.add({
      ...Object.fromEntries(hostile.map((name, index) => [`hostile/${name}`, `hostile ${index}`])),
      'web/index.html': '<h1>web</h1>',
      'web/style.css': 'h1{}',
      'odd/index.html/inner.txt': 'a folder of that name',
      'sizes/kib': 'x'.repeat(3 * 1024),
      'sizes/empty': '',
    })
    hamt = await site.add(
      Object.fromEntries(
        Array.from({ length: 6000 }, (_, index) => [
          `file-${String(index).padStart(20, '0')}.txt`,
          `${index}`,
        ]),
      ),
    )
  })
  afterAll(() => site.close())

  it.each(['', '?filename=x', '?a=b&c=d%20e', '?'])(
    'redirects a folder without trailing slash, with the query %j',
    async (query) => {
      for (const method of ['GET', 'HEAD']) {
        const answer = await site.ask(`/ipfs/${cids['']}/web${query}`, { method })
        expect(answer.status).toBe(301)
        expect(answer.headers.location).toBe(`/ipfs/${cids['']}/web/${query}`)
        expect(answer.body.length).toBe(0)
      }
      expect((await site.ask(`/ipfs/${cids['']}`)).headers.location).toBe(`/ipfs/${cids['']}/`)
    },
  )

  it('redirects to a percent-encoded path whatever the folder is called', async () => {
    const odd = await site.add({ 'a\r\nx: y/ü/file': 'x' })
    const answer = await site.ask(`/ipfs/${odd['']}/a%0D%0Ax:%20y/%C3%BC`)
    expect(answer.headers.location).toBe(`/ipfs/${odd['']}/a%0D%0Ax%3A%20y/%C3%BC/`)
  })

  it('never redirects to another host', async () => {
    const answer = await site.ask(`//ipfs/${cids['']}/web`)
    expect(answer.status).toBe(404)
    expect((await site.ask(`/ipfs//${cids['']}//web`)).headers.location).toBe(`/ipfs/${cids['']}/web/`)
  })

  it('serves index.html for the folder', async () => {
    const answer = await site.ask(`/ipfs/${cids['']}/web/`)
    expect(answer.status).toBe(200)
    expect(answer.text).toBe('<h1>web</h1>')
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(answer.headers['cache-control']).toBe('public, max-age=29030400, immutable')
    expect(answer.headers['x-ipfs-roots']).toBe(`${cids['']},${cids['web']}`)
    const part = await site.ask(`/ipfs/${cids['']}/web/`, { headers: { range: 'bytes=0-3' } })
    expect(part.text).toBe('<h1>')
  })

  it('lists a folder in which index.html is a folder', async () => {
    const answer = await site.ask(`/ipfs/${cids['']}/odd/`)
    expect(answer.text).toContain('href="./index.html"')
  })

  it('does not list a folder whose index.html has lost its block', async () => {
    const other = await openTemporary()
    try {
      const made = await add(other.ipfs, { 'index.html': 'page', 'x.txt': 'x' })
      await site.ipfs.blocks.put(await other.ipfs.blocks.get(made[''] ?? ''), { codec: 'dag-pb' })
      const answer = await site.ask(`/ipfs/${made['']}/`)
      expect(answer.status).toBe(404)
      expect(answer.text).toContain('IPFS_BLOCK_NOT_FOUND')
    } finally {
      await other.close()
    }
  })

  it('lists a folder with links that lead to its entries', async () => {
    const path = `/ipfs/${cids['']}/hostile/`
    const { text } = await site.ask(path)
    const links = Array.from(text.matchAll(/<td><a href="(\.\/[^"]*)">/g), ([, href]) => href ?? '')
    expect(links).toHaveLength(hostile.length)
    const found = await Promise.all(
      links.map(async (href) => {
        const url = new URL(href, `http://localhost${path}`)
        return (await site.ask(url.pathname)).text
      }),
    )
    expect(found.toSorted()).toEqual(hostile.map((_, index) => `hostile ${index}`))
  })

  it('lets no name of an entry or folder become markup', async () => {
    const { text } = await site.ask(`/ipfs/${cids['']}/hostile/`)
    expect(text).not.toContain('<script')
    expect(text).not.toContain('<img')
    const tags = new Set(
      Array.from(
        text.matchAll(/<\/?([a-z0-9]+)([^>]*)>/gi),
        ([, tag, attributes]) => `${tag}${/\son/i.test(attributes ?? '')}`,
      ),
    )
    expect(Array.from(tags).filter((tag) => tag.endsWith('true'))).toEqual([])
    const inside = await site.add({ '<b>&"\'/x': 'x' })
    const page = await site.ask(`/ipfs/${inside['']}/${encodeURIComponent('<b>&"\'')}/`)
    expect(page.text).toContain('&lt;b&gt;&amp;&quot;&#39;')
    expect(page.text).not.toContain('<b>')
  })

  it('allows the listing nothing but its own style', async () => {
    const answer = await site.ask(`/ipfs/${cids['']}/sizes/`)
    const policy = String(answer.headers['content-security-policy'])
    const style = /<style>([^<]*)<\/style>/.exec(answer.text)?.[1] ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain(`style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`)
    expect(answer.text).not.toMatch(/(?:src|href)="(?:https?:)?\/\//)
    expect(answer.headers['cache-control']).not.toContain('immutable')
    expect(answer.headers['referrer-policy']).toBe('no-referrer')
  })

  it('shows sizes in units and links to the folder above', async () => {
    const { text } = await site.ask(`/ipfs/${cids['']}/sizes/`)
    expect(text).toContain('>3.0 KiB<')
    expect(text).toContain('>0 B<')
    expect(text).toContain('<a href="../">')
    expect((await site.ask(`/ipfs/${cids['']}/`)).text).not.toContain('<a href="../">')
  })

  it('says that a folder is empty', async () => {
    let empty = ''
    for await (const item of site.ipfs.files.add([{ path: 'nothing' }]))
      if ('cid' in item) empty = String(item.cid)
    const answer = await site.ask(`/ipfs/${empty}/`)
    expect(answer.status).toBe(200)
    expect(answer.text).toContain('The folder is empty.')
  })

  it('answers HEAD of a listing with the headers of GET', async () => {
    const path = `/ipfs/${cids['']}/sizes/`
    const head = await site.ask(path, { method: 'HEAD' })
    expect(lasting(head.headers)).toEqual(lasting((await site.ask(path)).headers))
    expect(head.body.length).toBe(0)
  })

  it('follows names through a HAMT folder', async () => {
    for (const index of [0, 4321, 5999]) {
      const answer = await site.ask(`/ipfs/${hamt['']}/file-${String(index).padStart(20, '0')}.txt`)
      expect(answer.text).toBe(String(index))
    }
    expect((await site.ask(`/ipfs/${hamt['']}/file-x.txt`)).status).toBe(404)
  })

  it('lists a huge folder up to its limit and says that there is more', async () => {
    const { text } = await site.ask(`/ipfs/${hamt['']}/`)
    expect(text.match(/<td><a href="\.\//g)).toHaveLength(5000)
    expect(text).toContain('Only the first 5000 entries are shown. There are more')
  })

  it('lists a huge folder whole when the limit allows it', async () => {
    const { handle } = createGateway({ ipfs: site.ipfs, limits: { maxListingEntries: 6000 } })
    const { signal } = new AbortController()
    const response = await handle({
      method: 'GET',
      url: `/ipfs/${hamt['']}/`,
      headers: { host: 'localhost' },
      signal,
    })
    const chunks = await all(response.body as AsyncIterable<Uint8Array>)
    const text = Buffer.concat(chunks).toString()
    expect(new Set(text.match(/href="\.\/[^"]*"/g)).size).toBe(6000)
    expect(text).not.toContain('There are more')
    expect(chunks.length).toBeGreaterThan(10)
  })

  it('shows entries that no path can name by their CID', async () => {
    const leaf = await site.ipfs.blocks.put(Buffer.from('leaf'))
    const links = ['', '.', '..', 'a/b', 'fine'].map((Name) => ({ Name, Tsize: 4, Hash: leaf }))
    const folder = await site.ipfs.dag.put(
      { Data: Uint8Array.from([8, 1]), Links: links },
      { codec: 'dag-pb' },
    )
    const { text, status } = await site.ask(`/ipfs/${folder}/`)
    expect(status).toBe(200)
    expect(text.match(/<td><a href="\.\/[^"]*">/g)).toEqual(['<td><a href="./fine">'])
    expect(text.match(new RegExp(`href="/ipfs/${leaf}`, 'g'))).toHaveLength(5)
  })
})
