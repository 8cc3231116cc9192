import diagnosticsChannel from 'node:diagnostics_channel'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createGateway, type GatewayErrorRecord, type GatewayIpfs } from '@ipfs-kit/gateway'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { add, listen, openTemporary, pattern } from './serving.ts'

const channel = 'gateway:error'
let store: Awaited<ReturnType<typeof openTemporary>>
let cid: string
beforeAll(async () => {
  store = await openTemporary()
  cid = (await add(store.ipfs, { 'big.bin': pattern(16 * 1024 * 1024) }, {}))[''] ?? ''
})
afterAll(() => store.close())

/** What is published until the test has finished. */
function records(): GatewayErrorRecord[] {
  const taken: GatewayErrorRecord[] = []
  const take = (message: unknown): void => void taken.push(message as GatewayErrorRecord)
  diagnosticsChannel.subscribe(channel, take)
  onTestFinished(() => void diagnosticsChannel.unsubscribe(channel, take))
  return taken
}

async function serving(ipfs: GatewayIpfs | (() => GatewayIpfs)) {
  const site = await listen(createGateway({ ipfs }).listener)
  onTestFinished(() => site.close())
  return site
}

/** The node, with a body that goes through a function. */
function through(change: (body: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>): GatewayIpfs {
  const cat: GatewayIpfs['files']['cat'] = async (...parameters) => {
    const content = await store.ipfs.files.cat(...parameters)
    return { ...content, body: change(content.body) }
  }
  return { ...store.ipfs, files: { ...store.ipfs.files, cat } }
}

it('publishes the cause of a 500 under the id of its answer', async () => {
  const taken = records()
  const cause = new Error('secret detail')
  const site = await serving(() => {
    throw cause
  })
  const answer = await site.ask(`/ipfs/${cid}`)
  expect(answer.status).toBe(500)
  expect(taken).toEqual([{ requestId: answer.headers['x-request-id'], name: 'gateway', error: cause }])
})

it('publishes why it cut a connection', async () => {
  const taken = records()
  const cause = new Error('the disk is gone')
  const site = await serving(
    through(async function* (body) {
      for await (const chunk of body) {
        yield chunk
        throw cause
      }
    }),
  )
  await expect(site.ask(`/ipfs/${cid}?filename=a.bin`)).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect(taken).toEqual([{ requestId: '', name: 'gateway', error: cause }])
})

it('publishes nothing for a client that goes away', async () => {
  const taken = records()
  const left = Promise.withResolvers<void>()
  const site = await serving(
    through(async function* (body) {
      try {
        yield* body
      } finally {
        left.resolve()
      }
    }),
  )
  const socket = connect(site.port, '127.0.0.1')
  socket.write(`GET /ipfs/${cid}?filename=a.bin HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  await once(socket, 'data')
  socket.destroy()
  await left.promise
  await new Promise(setImmediate)
  expect(taken).toEqual([])
})

it('publishes nothing that its answer explains', async () => {
  const taken = records()
  const site = await serving(store.ipfs)
  expect((await site.ask('/ipfs/no-cid')).status).toBe(400)
  expect((await site.ask(`/ipfs/${cid}`, { headers: { host: 'evil.example' } })).status).toBe(403)
  expect((await site.ask(`/ipfs/${cid}`, { headers: { range: 'bytes=99999999-' } })).status).toBe(416)
  expect(taken).toEqual([])
})
