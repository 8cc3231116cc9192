import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { open, readdir, readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createGateway, type GatewayIpfs } from '@ipfs-kit/gateway'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { create as createDigest } from 'multiformats/hashes/digest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { add, listen, openTemporary, pattern } from './serving.ts'

const mebibyte = 1024 * 1024

/** A node whose bodies tell when their reader has left them. */
function observed(ipfs: GatewayIpfs) {
  const left = Promise.withResolvers<number>()
  let bytes = 0
  async function* counting(body: AsyncIterable<Uint8Array>) {
    try {
      for await (const chunk of body) {
        bytes += chunk.byteLength
        yield chunk
      }
    } finally {
      left.resolve(bytes)
    }
  }
  const files: GatewayIpfs['files'] = {
    ...ipfs.files,
    cat: async (...parameters) => {
      const content = await ipfs.files.cat(...parameters)
      return { ...content, body: counting(content.body) }
    },
  }
  return { node: { ...ipfs, files }, left: left.promise }
}

/** The CID of a leaf. */
function leafCid(bytes: Uint8Array): CID {
  return CID.createV1(raw.code, createDigest(0x12, createHash('sha256').update(bytes).digest()))
}

/** Writes over some of the bytes of a block where a pack file holds them. */
async function overwrite(folder: string, bytes: Uint8Array): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.name.endsWith('.pack')) continue
    const file = join(entry.parentPath, entry.name)
    const at = (await readFile(file)).indexOf(bytes)
    if (at === -1) continue
    const handle = await open(file, 'r+')
    await handle.write(Buffer.alloc(10, 7), 0, 10, at + 10)
    await handle.close()
    return
  }
  throw new Error('No such block')
}

describe('streaming', () => {
  let store: Awaited<ReturnType<typeof openTemporary>>
  let cid: string
  const content = pattern(48 * mebibyte)
  beforeAll(async () => {
    store = await openTemporary()
    cid = (await add(store.ipfs, { 'big.bin': content }, {}))[''] ?? ''
  })
  afterAll(() => store.close())

  const serving = async (ipfs: GatewayIpfs | (() => GatewayIpfs), stallTimeoutMs = 60_000) =>
    listen(createGateway({ ipfs, limits: { stallTimeoutMs } }).listener)

  it('stops reading blocks when the client goes away', async () => {
    const { node, left } = observed(store.ipfs)
    const site = await serving(node)
    const before = store.ipfs.stats().bytesRead
    const outgoing = request({ host: '127.0.0.1', port: site.port, path: `/ipfs/${cid}` }).end()
    const [incoming] = (await once(outgoing, 'response')) as [import('node:http').IncomingMessage]
    await once(incoming, 'data')
    incoming.on('error', () => {})
    incoming.destroy()
    expect(await left).toBeLessThan(content.length / 2)
    expect(store.ipfs.stats().bytesRead - before).toBeLessThan((content.length * 3) / 4)
    await site.close()
  })

  it('cuts off a client that takes nothing more', async () => {
    const { node, left } = observed(store.ipfs)
    const site = await serving(node, 50)
    const socket = connect(site.port, '127.0.0.1')
    socket.write(`GET /ipfs/${cid} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    socket.pause()
    expect(await left).toBeLessThan(content.length)
    socket.destroy()
    await site.close()
  })

  it('cuts what it serves and lets go of the content when it is closed', async () => {
    const { node, left } = observed(store.ipfs)
    const gateway = createGateway({ ipfs: node })
    const site = await listen(gateway.listener)
    const outgoing = request({ host: '127.0.0.1', port: site.port, path: `/ipfs/${cid}` }).end()
    const [incoming] = (await once(outgoing, 'response')) as [import('node:http').IncomingMessage]
    incoming.pause()
    await gateway.close()
    expect(await left).toBeLessThan(content.length)
    await expect(async () => {
      for await (const _ of incoming);
    }).rejects.toThrow('aborted')
    await expect(site.ask(`/ipfs/${cid}`)).rejects.toThrow('socket hang up')
    await gateway.close()
    await site.close()
  })

  it('serves a client that is slow but moves', async () => {
    const site = await serving(store.ipfs)
    const outgoing = request({ host: '127.0.0.1', port: site.port, path: `/ipfs/${cid}` }).end()
    const [incoming] = (await once(outgoing, 'response')) as [import('node:http').IncomingMessage]
    let at = 0
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      if (!content.subarray(at, at + chunk.length).equals(chunk)) throw new Error(`Wrong bytes at ${at}`)
      at += chunk.length
      await new Promise(setImmediate)
    }
    expect(at).toBe(content.length)
    await site.close()
  })

  it('serves many clients at once, and requests on one connection in turn', async () => {
    const small = (await add(store.ipfs, { 'small.txt': 'small' }, {}))[''] ?? ''
    const site = await serving(store.ipfs)
    const answers = await Promise.all(Array.from({ length: 50 }, () => site.ask(`/ipfs/${small}`)))
    expect(new Set(answers.map(({ text }) => text))).toEqual(new Set(['small']))
    const get = `GET /ipfs/${small} HTTP/1.1\r\nHost: localhost\r\n`
    const wire = await site.raw(`${get}\r\nHEAD${get.slice(3)}\r\n${get}Connection: close\r\n\r\n`)
    expect(wire.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3)
    expect(wire.match(/\r\n\r\nsmall/g)).toHaveLength(2)
    await site.close()
  })

  it('goes on when a client is gone before its answer', async () => {
    const { node } = observed(store.ipfs)
    const asked = Promise.withResolvers<void>()
    const site = await serving(() => {
      asked.resolve()
      return node
    })
    const socket = connect(site.port, '127.0.0.1')
    socket.write(`GET /ipfs/${cid}?format=car HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    await asked.promise
    socket.destroy()
    expect((await site.ask('/')).status).toBe(404)
    await site.close()
  })

  it('gives the node of the moment to each request', async () => {
    const fault = Object.assign(new Error('The node restarts'), {
      code: 'TEST_RESTARTING',
      kind: 'temporary',
      next: 'Ask again.',
    })
    let current: GatewayIpfs | undefined
    const site = await serving(() => {
      if (current === undefined) throw fault
      return current
    })
    const away = await site.ask(`/ipfs/${cid}`, { headers: { accept: 'application/json' } })
    expect(away.status).toBe(503)
    expect(away.headers['retry-after']).toBe('1')
    expect(JSON.parse(away.text)).toMatchObject({ code: 'TEST_RESTARTING', retryable: true })
    current = store.ipfs
    expect((await site.ask(`/ipfs/${cid}`, { method: 'HEAD' })).status).toBe(200)
    await site.close()
  })

  it('answers 503 over a closed node', async () => {
    const other = await openTemporary()
    const site = await serving(other.ipfs)
    await other.close()
    const answer = await site.ask(`/ipfs/${cid}`)
    expect(answer.status).toBe(503)
    expect(answer.text).toContain('IPFS_CLOSED')
    await site.close()
  })

  it('hides what it does not know behind a request id', async () => {
    const site = await serving(() => {
      throw new Error('secret detail')
    })
    const answer = await site.ask(`/ipfs/${cid}`)
    expect(answer.status).toBe(500)
    expect(answer.text).toContain('OPERATION_INTERNAL')
    expect(answer.text).not.toContain('secret')
    await site.close()
  })

  it('answers without a server, and never rejects', async () => {
    const { handle } = createGateway({ ipfs: store.ipfs })
    const aborted = AbortSignal.abort()
    const response = await handle({
      method: 'GET',
      url: `/ipfs/${cid}`,
      headers: { host: 'localhost' },
      signal: aborted,
    })
    expect(response.status).toBe(499)
    const { signal } = new AbortController()
    const whole = await handle({
      method: 'GET',
      url: `/ipfs/${cid}`,
      headers: { host: ['localhost'] },
      signal,
    })
    let bytes = 0
    for await (const chunk of whole.body as AsyncIterable<Uint8Array>) bytes += chunk.byteLength
    expect(bytes).toBe(content.length)
    const headless = await handle({ method: 'GET', url: `/ipfs/${cid}`, headers: {}, signal })
    expect(headless.status).toBe(403)
    const odd = await handle({ method: 'GET', url: 'no slash', headers: { host: 'localhost' }, signal })
    expect(odd.status).toBe(404)
  })

  it('lets a body be left before its first byte is read', async () => {
    const { node, left } = observed(store.ipfs)
    const { handle } = createGateway({ ipfs: node })
    const { signal } = new AbortController()
    const response = await handle({
      method: 'GET',
      url: `/ipfs/${cid}`,
      headers: { host: 'localhost' },
      signal,
    })
    await (response.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]().return?.()
    expect(await left).toBeLessThanOrEqual(mebibyte)
  })
})

describe('damaged content', () => {
  let store: Awaited<ReturnType<typeof openTemporary>>
  let site: Awaited<ReturnType<typeof listen>>
  beforeAll(async () => {
    store = await openTemporary()
    site = await listen(createGateway({ ipfs: store.ipfs }).listener)
  })
  afterAll(async () => {
    await site.close()
    await store.close()
  })

  const damaged = async (length: number, block: number, seed: string, how: 'overwritten' | 'removed') => {
    const content = Buffer.concat([Buffer.from(seed), pattern(length)])
    const cid = (await add(store.ipfs, { x: content }, {}))[''] ?? ''
    const bytes = content.subarray(block * mebibyte, (block + 1) * mebibyte)
    if (how === 'removed') await store.ipfs.blockstore.delete(leafCid(bytes))
    else await overwrite(store.path, bytes)
    return cid
  }

  it('answers 500 for a block that does not match its CID', async () => {
    const cid = await damaged(1000, 0, 'single', 'overwritten')
    for (const query of ['', '?filename=a.bin', '?format=raw', '?format=car']) {
      const answer = await site.ask(`/ipfs/${cid}${query}`)
      expect(answer.status).toBe(500)
      expect(answer.text).toContain('IPFS_BLOCK_CORRUPT')
    }
  })

  it('answers 500 when the first of many blocks does not match', async () => {
    const cid = await damaged(3 * mebibyte, 0, 'first', 'overwritten')
    expect((await site.ask(`/ipfs/${cid}?filename=a.bin`)).status).toBe(500)
    expect((await site.ask(`/ipfs/${cid}`)).status).toBe(500)
  })

  it.each(['overwritten', 'removed'] as const)(
    'cuts the connection when a later block is %s',
    async (how) => {
      const cid = await damaged(8 * mebibyte, 6, `later ${how}`, how)
      for (const query of ['', '?format=car']) {
        await expect(site.ask(`/ipfs/${cid}${query}`)).rejects.toMatchObject({ code: 'ECONNRESET' })
      }
      const part = await site.ask(`/ipfs/${cid}`, { headers: { range: 'bytes=0-99' } })
      expect(part.status).toBe(206)
      await expect(
        site.ask(`/ipfs/${cid}`, { headers: { range: `bytes=0-${7 * mebibyte}` } }),
      ).rejects.toThrow()
    },
  )

  it('answers 404 when the block of a range is missing', async () => {
    const cid = await damaged(4 * mebibyte, 2, 'hole', 'removed')
    const answer = await site.ask(`/ipfs/${cid}?filename=a.bin`, {
      headers: { range: `bytes=${2 * mebibyte}-` },
    })
    expect(answer.status).toBe(404)
  })

  it('goes on serving after all of that', async () => {
    const cid = (await add(store.ipfs, { x: 'fine' }, {}))[''] ?? ''
    expect((await site.ask(`/ipfs/${cid}`)).text).toBe('fine')
  })
})
