import { readFile } from 'node:fs/promises'
import { type FollowedTopic, type FollowOptions, followWal } from '@ipfs-kit/client'
import { openServer, type Server } from '@ipfs-kit/mcp-server'
import { expect, onTestFinished, test } from 'vitest'
import { openSilentProxy } from './silent-proxy.ts'
import { temporaryHome } from './temporary-folder.ts'

/** A server of a home, on a port that it had before or any. */
async function serve(home: string, port = 0): Promise<{ server: Server; token: string; port: number }> {
  const server = await openServer({ home, config: { api: { port }, gateway: { port: 0 } } })
  onTestFinished(() => server.close())
  const token = (await readFile(server.tokenFile, 'utf8')).trim()
  return { server, token, port: Number(new URL(server.url).port) }
}

function follow<const Topic extends FollowedTopic>(
  { server: { url }, token }: { readonly server: Pick<Server, 'url'>; readonly token: string },
  topic: Topic,
  options: FollowOptions = {},
) {
  const patience = { retryBaseMs: 1, retryMaxMs: 20, retries: 1000 }
  return followWal({ url, token }, topic, { ...patience, ...options })
}

/** Promises operations that are not begun in this millennium. Their ids. */
async function promise({ kit }: Server, count = 1): Promise<number[]> {
  const one = { type: 'custom:migrate', params: {}, notBefore: Date.parse('3000-01-01T00:00:00Z') } as const
  const appended = await kit.wal.appendMany(Array.from({ length: count }, () => one))
  return appended.map(({ operation }) => operation.id)
}

test('a connection that is lost is made again, and what has changed meanwhile is told, nothing twice', async () => {
  const home = temporaryHome()
  const served = await serve(home)
  const changes = follow(served, { subscribe: 'operations_by_type', type: 'custom:migrate', from: 1 })
  const [first] = await promise(served.server)
  expect((await changes.next()).value).toMatchObject({ job: { id: first, state: 'queued' } })
  const next = changes.next()
  await served.server.close()
  const { server } = await serve(home, served.port)
  const [second] = await promise(server)
  expect((await next).value).toMatchObject({ job: { id: second } })
  await server.kit.wal.cancel(first!)
  expect((await changes.next()).value).toMatchObject({ job: { id: first, state: 'cancelled' } })
  await changes.return()
})

test('who takes nothing for a while is told everything all the same, or what it has missed', async () => {
  const served = await serve(temporaryHome())
  const changes = follow(served, { subscribe: 'all_operations', from: 1 })
  const told = new Set<number>()
  const [first] = await promise(served.server)
  while (!told.has(first!)) {
    const { value } = await changes.next()
    if (value !== undefined && 'job' in value) told.add(value.job.id)
  }
  // More than the client has room for.
  const ids: number[] = []
  for (let nth = 0; nth < 4; nth += 1) ids.push(...(await promise(served.server, 1000)))
  const last = ids.at(-1)!
  const missed: { readonly after: number; readonly through: number }[] = []
  while (!told.has(last)) {
    const { value } = await changes.next()
    if (value === undefined) throw new Error('It has ended')
    if ('missed' in value) missed.push(value.missed)
    else told.add(value.job.id)
  }
  const isMissed = (id: number): boolean => missed.some(({ after, through }) => id > after && id <= through)
  expect(ids.filter((id) => !told.has(id) && !isMissed(id))).toEqual([])
  await changes.return()
})

test('pings keep a connection over which nothing is told, and one that goes silent is left for another', async () => {
  const { server, token, port } = await serve(temporaryHome())
  const proxy = await openSilentProxy(port)
  const changes = follow(
    { server: proxy, token },
    { subscribe: 'all_operations', from: 1 },
    { quietMs: 1500 },
  )
  const [first] = await promise(server)
  expect((await changes.next()).value).toMatchObject({ job: { id: first } })
  const next = changes.next()
  // A handshake, what is asked for, and twice as many pings as there are until a connection that tells nothing is left.
  await proxy.sent(8)
  proxy.silence()
  const [second] = await promise(server)
  expect((await next).value).toMatchObject({ job: { id: second } })
  await changes.return()
})

test('metrics, backends and one operation are topics too', async () => {
  const served = await serve(temporaryHome())
  const [id] = await promise(served.server)
  const metrics = follow(served, { subscribe: 'metrics' })
  expect((await metrics.next()).value).toMatchObject({ metrics: { unfinished: 1 } })
  await metrics.return()
  const health = follow(served, { subscribe: 'backend_health' })
  const { wal } = served.server.kit
  await wal.probe('node')
  expect((await health.next()).value).toMatchObject({ health: { backend: 'node', state: 'online' } })
  await health.return()
  const one = follow(served, { subscribe: 'specific_operation', operation: id!, from: 1 })
  expect((await one.next()).value).toMatchObject({ job: { id } })
  await one.return()
  while (wal.stats().followers > 0) await new Promise(setImmediate)
})

test('a token that is refused, and a topic that is none, fail at once with what the server says', async () => {
  const served = await serve(temporaryHome())
  const wrong = follow({ ...served, token: 'nonsense' }, { subscribe: 'all_operations' })
  await expect(wrong.next()).rejects.toMatchObject({ code: 'SERVER_TOKEN_WRONG', status: 403 })
  const none = follow(served, { subscribe: 'everything' } as never)
  await expect(none.next()).rejects.toMatchObject({ code: 'WAL_MESSAGE_INVALID' })
})

test('the reason of the signal ends it while it is told nothing', async () => {
  const served = await serve(temporaryHome())
  const abort = new AbortController()
  const reason = new Error('the page was left')
  const changes = follow(served, { subscribe: 'all_operations', from: 1 }, { signal: abort.signal })
  await promise(served.server)
  await changes.next()
  const rest = (async () => {
    for await (const _ of changes);
  })()
  abort.abort(reason)
  await expect(rest).rejects.toBe(reason)
})
