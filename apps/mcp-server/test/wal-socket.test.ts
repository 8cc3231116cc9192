import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, onTestFinished, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { follow, followerOf, followersOf, promise, socketUrl } from './followers.ts'
import { type Answer, serveOnce, type Site, temporaryHome, until } from './serving.ts'

const handshake = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-key': Buffer.alloc(16).toString('base64'),
  'sec-websocket-version': '13',
}

function shakeHands(site: Site, headers: Readonly<Record<string, string | undefined>>): Promise<Answer> {
  return site.ask('/api/v1/wal/ws', { headers: { ...handshake, ...headers } })
}

function codeOf(answer: Answer): string {
  return (JSON.parse(answer.text) as { code: string }).code
}

test('a client without the token, of another origin or host, is refused before it is one', async () => {
  const site = await serveOnce()
  const authorization = `Bearer ${site.token}`
  const missing = await shakeHands(site, {})
  expect([missing.status, codeOf(missing)]).toEqual([401, 'SERVER_TOKEN_MISSING'])
  const wrong = await shakeHands(site, { 'sec-websocket-protocol': 'ipfs-kit.wal.v1, bearer.nonsense' })
  expect([wrong.status, codeOf(wrong)]).toEqual([403, 'SERVER_TOKEN_WRONG'])
  const origin = await shakeHands(site, { authorization, origin: 'http://evil.example' })
  expect([origin.status, codeOf(origin)]).toEqual([403, 'SERVER_ORIGIN_REFUSED'])
  const host = await shakeHands(site, { authorization, host: 'evil.example' })
  expect([host.status, codeOf(host)]).toEqual([403, 'SERVER_HOST_REFUSED'])
  const inUrl = await site.ask(`/api/v1/wal/ws?token=${site.token}`, { headers: handshake })
  expect(inUrl.status).toBe(401)
  expect(followersOf(site)).toBe(0)
})

test('a page shows its token by a subprotocol, which is not given back', async () => {
  const site = await serveOnce()
  const protocols = ['ipfs-kit.wal.v1', `bearer.${site.token}`]
  const origin = `http://127.0.0.1:${site.port}`
  const client = await followerOf(new WebSocket(socketUrl(site), protocols, { origin }))
  expect(client.socket.protocol).toBe('ipfs-kit.wal.v1')
  client.send({ ping: 7 })
  expect(await client.next((message) => 'pong' in message)).toMatchObject({ pong: 7 })
})

test('without a handshake the path says what it is, and other upgrades are answered as if not asked for', async () => {
  const site = await serveOnce()
  const authorization = `Bearer ${site.token}`
  const plain = await site.ask('/api/v1/wal/ws', { headers: { authorization } })
  expect([plain.status, codeOf(plain)]).toEqual([426, 'SERVER_UPGRADE_NEEDED'])
  const h2c = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': '' }
  expect((await site.ask('/healthz', { headers: h2c })).text).toBe('{"ok":true}')
  expect((await site.ask('/healthz', { headers: handshake })).text).toBe('{"ok":true}')
  const old = await shakeHands(site, { authorization, 'sec-websocket-version': '7' })
  expect(old.status).toBe(400)
})

test('each topic tells what it is about, and nothing else', async () => {
  const site = await serveOnce()
  const client = await follow(site)
  const [watched] = await promise(site)
  const subscriptions = [
    { subscribe: 'all_operations', id: 'all' },
    { subscribe: 'specific_operation', operation: watched, id: 'one' },
    { subscribe: 'operations_by_status', status: 'cancelled', id: 'cancelled' },
    { subscribe: 'operations_by_type', type: 'custom:gc', id: 'gc' },
    { subscribe: 'operations_by_backend', backend: 'elsewhere', id: 'backend' },
    { subscribe: 'metrics', intervalMs: 1000, id: 'numbers' },
  ]
  for (const subscription of subscriptions) {
    client.send(subscription)
    expect(await client.next(({ subscribed }) => subscribed === subscription.id)).toHaveProperty('lsn')
  }
  const [other] = await promise(site)
  const { wal } = site.server.kit
  const { operation } = await wal.append({ type: 'custom:migrate', params: {}, backend: 'elsewhere' })
  await wal.cancel(other!)
  await wal.cancel(watched!)
  await client.next(({ id, job }) => id === 'cancelled' && job?.id === watched)
  await client.next(({ id, job }) => id === 'backend' && job?.state === 'completed')
  await client.next(({ id, job }) => id === 'all' && job?.id === watched)
  expect(await client.next(({ id }) => id === 'numbers')).toMatchObject({
    metrics: { log: { state: 'open' } },
  })
  const told = (name: string) => [
    ...new Set(
      client.received.filter(({ id, job }) => id === name && job).map(({ job }) => job.id as number),
    ),
  ]
  expect(new Set(told('all'))).toEqual(new Set([watched, other, operation.id]))
  expect(told('one')).toEqual([watched])
  expect(told('cancelled')).toEqual([other, watched])
  expect(told('gc')).toEqual([])
  expect(told('backend')).toEqual([operation.id])
  for (const message of client.received) expect(message).toHaveProperty('lsn')
})

test('a client that has known more than the log has is told to have missed all of it', async () => {
  const site = await serveOnce()
  const client = await follow(site)
  await promise(site, 3)
  const { nextLsn } = site.server.kit.wal.stats().log
  client.send({ subscribe: 'all_operations', id: 'a', from: nextLsn + 1000 })
  expect(await client.next(({ subscribed }) => subscribed === 'a')).toMatchObject({ lsn: nextLsn - 1 })
  const { lsn, missed } = await client.next(({ id }) => id === 'a')
  expect({ lsn, missed }).toEqual({ lsn: nextLsn - 1, missed: { after: 0, through: nextLsn - 1 } })
})

test('the state of backends is told at once', async () => {
  const site = await serveOnce()
  const client = await follow(site)
  const { wal } = site.server.kit
  const { operation } = await wal.append({ type: 'custom:migrate', params: {}, backend: 'elsewhere' })
  await wal.wait(operation.id)
  client.send({ subscribe: 'backend_health', id: 'health' })
  const { health } = await client.next((message) => message.health?.backend === 'elsewhere')
  expect(health).toMatchObject({ state: 'online' })
})

test('a message that is none is answered with a coded error, and what follows it is answered too', async () => {
  const site = await serveOnce()
  const client = await follow(site)
  const bad = [
    'nonsense',
    '[]',
    '{"subscribe":"weather","id":"a"}',
    '{"subscribe":"all_operations"}',
    '{"subscribe":"all_operations","id":"a","from":0}',
    '{"subscribe":"all_operations","id":"a","more":1}',
    '{"subscribe":"metrics","id":"a","intervalMs":10}',
    '{"unsubscribe":"a","id":"a"}',
    '{"ping":{}}',
  ]
  for (const text of bad) client.send(text)
  client.send({ ping: 'done' })
  await client.next((message) => 'pong' in message)
  const codes = client.received.slice(0, -1).map(({ error }) => error?.code as string)
  expect(codes).toEqual(bad.map(() => 'WAL_MESSAGE_INVALID'))
  // What is no message at all is told what one is.
  for (const nth of [1, 8]) {
    expect(client.received[nth].error.message).toContain(
      'with subscribe and id, with unsubscribe, or with ping',
    )
  }
})

test('a client has 32 subscriptions at most, each with an id of its own, until it ends one', async () => {
  const site = await serveOnce()
  const client = await follow(site)
  for (let nth = 0; nth < 33; nth += 1) client.send({ subscribe: 'all_operations', id: `s${nth}` })
  const refused = await client.next(({ error }) => error !== undefined)
  expect(refused).toMatchObject({ id: 's32', error: { code: 'WAL_SUBSCRIPTIONS', kind: 'conflict' } })
  expect(followersOf(site)).toBe(32)
  client.send({ unsubscribe: 's0' })
  await client.next(({ unsubscribed }) => unsubscribed === 's0')
  client.send({ subscribe: 'all_operations', id: 's1' })
  // Without its id: that one goes on.
  const taken = await client.next(({ error }) => error?.message.includes('already') === true)
  expect(taken).toEqual({ lsn: taken.lsn, error: expect.objectContaining({ code: 'WAL_SUBSCRIPTIONS' }) })
  const [promised] = await promise(site)
  expect(await client.next(({ id, job }) => id === 's1' && job)).toMatchObject({ job: { id: promised } })
  client.send({ subscribe: 'all_operations', id: 's0' })
  await client.next(({ subscribed }) => subscribed === 's0' && client.received.at(-1)?.subscribed === 's0')
})

test('a message that is too long ends the connection with the code for that', async () => {
  const site = await serveOnce()
  const client = await follow(site)
  client.send(JSON.stringify({ ping: 'x'.repeat(20_000) }))
  expect(await client.closed).toBe(1009)
})

test('a client that comes again goes on where it was, without a gap and without a double', async () => {
  const site = await serveOnce()
  const ids = await promise(site, 5)
  const seen: number[] = []
  let from = ids[0]!
  for (let visit = 0; visit < 5; visit += 1) {
    const client = await follow(site)
    client.send({ subscribe: 'all_operations', id: 'all', from })
    if (visit > 0) await client.next(({ subscribed }) => subscribed === 'all')
    ids.push(...(await promise(site, 20)))
    // It leaves in the middle of what it is told.
    await until(() => client.received.filter(({ job }) => job).length >= 7 || visit === 4)
    if (visit === 4) await client.next(({ job }) => job?.id === ids.at(-1))
    client.socket.terminate()
    await client.closed
    const told = client.received.filter(({ job }) => job)
    seen.push(...told.map(({ job }) => job.id as number))
    from = (told.at(-1)?.lsn as number) + 1
    await until(() => followersOf(site) === 0)
  }
  expect(seen).toEqual(ids)
})

test('a client that does not read takes no memory from the server, and is told what it missed', async () => {
  const site = await serveOnce()
  const { wal } = site.server.kit
  const client = await follow(site)
  const names = Array.from({ length: 16 }, (_, nth) => `s${nth}`)
  for (const id of names) client.send({ subscribe: 'all_operations', id })
  await client.next(({ subscribed }) => subscribed === 's15')
  client.socket.pause()
  const before = heapBytes()
  const ids = await promise(site, 10_000)
  await wal.get(ids.at(-1)!)
  const grown = heapBytes() - before
  // All messages would be more than 50 MB; the 1,000 changes that wait, once each, are about 2 MB.
  expect(grown).toBeLessThan(20_000_000)
  expect(followersOf(site)).toBe(16)
  client.socket.resume()
  await Promise.all(names.map((name) => client.next(({ id, job }) => id === name && job?.id === ids.at(-1))))
  for (const name of names) {
    const messages = client.received.filter(({ id }) => id === name)
    const missed = messages.filter((message) => message.missed)
    expect(missed.length).toBeGreaterThan(0)
    // What was told and what was missed are all of it.
    const told = new Set(messages.flatMap(({ job }) => (job ? [job.id as number] : [])))
    const untold = ids.filter((id) => !told.has(id))
    const unknown = untold.filter(
      (id) => !missed.some(({ missed: { after, through } }) => id > after && id <= through),
    )
    expect(unknown).toEqual([])
  }
})

test('a client that dies is followed by nobody', async () => {
  const site = await serveOnce()
  const client = await follow(site)
  client.send({ subscribe: 'all_operations', id: 'all' })
  await client.next(({ subscribed }) => subscribed === 'all')
  expect(followersOf(site)).toBe(1)
  client.socket.terminate()
  await until(() => followersOf(site) === 0)
})

test('a client is pinged from the beginning', async () => {
  const site = await serveOnce()
  const socket = new WebSocket(socketUrl(site), { headers: { authorization: `Bearer ${site.token}` } })
  await once(socket, 'ping')
  socket.terminate()
})

test('a client that has not answered its ping when the next one is due is cut', async () => {
  // The clock that waits go by; sockets have their own.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const clock = vi.spyOn(performance, 'now')
  onTestFinished(() => clock.mockRestore())
  const later = (ms: number): void => {
    const time = performance.now() + ms
    clock.mockImplementation(() => time)
    vi.advanceTimersByTime(ms)
  }
  const site = await serveOnce()
  const headers = { authorization: `Bearer ${site.token}` }
  const deaf = new WebSocket(socketUrl(site), { headers, autoPong: false })
  await once(deaf, 'ping')
  const answering = await follow(site)
  const cut = once(deaf, 'close')
  answering.send({ ping: 1 })
  await answering.next((message) => 'pong' in message)
  later(31_000)
  expect(await cut).toEqual([1006, expect.anything()])
  expect(answering.socket.readyState).toBe(WebSocket.OPEN)
})

test('closing the server ends its clients with the code for that, and waits for no one that does not answer', async () => {
  const site = await serveOnce({ home: await temporaryHome() })
  const client = await follow(site)
  client.send({ subscribe: 'all_operations', id: 'all' })
  await client.next(({ subscribed }) => subscribed === 'all')
  const deaf = await follow(site)
  deaf.socket.pause()
  await site.close()
  expect(await client.closed).toBe(1001)
})

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function heapBytes(): number {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
