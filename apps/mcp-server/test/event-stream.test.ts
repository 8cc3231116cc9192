import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { followersOf, promise } from './followers.ts'
import { serveOnce, type Site, temporaryHome, until } from './serving.ts'

interface Event {
  readonly id: number
  readonly event: string
  readonly data: any
}

interface Stream {
  readonly incoming: IncomingMessage
  readonly events: Event[]
  next(isMeant: (event: Event) => boolean): Promise<Event>
}

const path = '/api/v1/jobs/events'

async function listen(site: Site, query = '', headers: Record<string, string> = {}): Promise<Stream> {
  const outgoing = request({
    ...{ host: '127.0.0.1', port: site.port, path: `${path}${query}`, agent: false },
    headers: { authorization: `Bearer ${site.token}`, ...headers },
  })
  outgoing.on('error', () => {})
  onTestFinished(() => void outgoing.destroy())
  outgoing.end()
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  expect(incoming.headers['content-type']).toBe('text/event-stream; charset=utf-8')
  const events: Event[] = []
  const waiting = new Set<(event: Event) => void>()
  let text = ''
  incoming.on('error', () => {})
  incoming.on('data', (piece: Buffer) => {
    const parts = (text + piece.toString()).split('\n\n')
    text = parts.pop()!
    for (const part of parts) {
      const fields = Object.fromEntries(part.split('\n').map((line) => line.split(/: (.*)/s, 2)))
      if (fields['event'] === undefined) continue
      const event = { id: Number(fields['id']), event: fields['event'], data: JSON.parse(fields['data']) }
      events.push(event)
      for (const look of waiting) look(event)
    }
  })
  return {
    incoming,
    events,
    next: (isMeant) =>
      new Promise((resolve) => {
        const look = (event: Event): void => {
          if (!isMeant(event)) return
          waiting.delete(look)
          resolve(event)
        }
        const found = events.find(isMeant)
        if (found === undefined) waiting.add(look)
        else resolve(found)
      }),
  }
}

test('events tell operations as they change, with the LSN as their id', async () => {
  const site = await serveOnce()
  const stream = await listen(site)
  await stream.next(({ event }) => event === 'subscribed')
  const [id] = await promise(site)
  const told = await stream.next(({ event }) => event === 'job')
  expect(told).toMatchObject({ id, data: { lsn: id, job: { id, state: 'queued' } } })
})

test('the topic of a stream is named in its query', async () => {
  const site = await serveOnce()
  const [one, other] = await promise(site, 2)
  const cancelled = await listen(site, '?topic=operations_by_status&status=cancelled')
  const single = await listen(site, `?topic=specific_operation&operation=${one}&from=${one}`)
  const numbers = await listen(site, '?topic=metrics&intervalMs=1000')
  await cancelled.next(({ event }) => event === 'subscribed')
  await site.server.kit.wal.cancel(other!)
  expect(await cancelled.next(({ event }) => event === 'job')).toMatchObject({ data: { job: { id: other } } })
  expect(await single.next(({ event }) => event === 'job')).toMatchObject({ data: { job: { id: one } } })
  expect((await numbers.next(({ event }) => event === 'metrics')).data.metrics).toHaveProperty('index')
})

test('a stream that is begun again goes on behind Last-Event-ID, without a gap and without a double', async () => {
  const site = await serveOnce()
  const ids = await promise(site, 30)
  const first = await listen(site, `?from=${ids[0]}`)
  await until(() => first.events.filter(({ event }) => event === 'job').length >= 10)
  first.incoming.destroy()
  const seen = first.events.filter(({ event }) => event === 'job')
  ids.push(...(await promise(site, 10)))
  const again = await listen(site, `?from=${ids[0]}`, { 'last-event-id': String(seen.at(-1)!.id) })
  await again.next(({ data }) => data.job?.id === ids.at(-1))
  seen.push(...again.events.filter(({ event }) => event === 'job'))
  expect(seen.map(({ data }) => data.job.id as number)).toEqual(ids)
})

test('who may not listen, or asks for what there is not, is answered with a status', async () => {
  const site = await serveOnce()
  const authorization = `Bearer ${site.token}`
  expect((await site.ask(path)).status).toBe(401)
  const origin = { authorization, origin: 'http://evil.example' }
  expect((await site.ask(path, { headers: origin })).status).toBe(403)
  for (const query of [
    '?topic=weather',
    '?from=x',
    '?topic=metrics&intervalMs=1',
    '?topic=specific_operation',
  ]) {
    const answer = await site.ask(`${path}${query}`, { headers: { authorization } })
    expect([query, answer.status]).toEqual([query, 400])
    expect(answer.text).toContain('WAL_MESSAGE_INVALID')
  }
  const last = await site.ask(path, { headers: { authorization, 'last-event-id': 'x' } })
  expect([last.status, last.text]).toEqual([400, expect.stringMatching(/WAL_MESSAGE_INVALID.*Last-Event-ID/)])
})

test('a listener that does not read is told what it missed when it reads again', async () => {
  const site = await serveOnce()
  const stream = await listen(site)
  await stream.next(({ event }) => event === 'subscribed')
  stream.incoming.pause()
  let ids: number[] = []
  // Until the system holds back no more for it, and the log has more than waits for one who follows.
  for (let nth = 0; nth < 3; nth += 1) ids = await promise(site, 10_000)
  stream.incoming.resume()
  await stream.next(({ data }) => data.job?.id === ids.at(-1))
  const missed = stream.events.filter(({ event }) => event === 'missed')
  expect(missed.length).toBeGreaterThan(0)
})

test('a listener that leaves is followed by nobody, and closing the server ends the others', async () => {
  const site = await serveOnce({ home: await temporaryHome() })
  const leaving = await listen(site)
  const staying = await listen(site)
  await leaving.next(({ event }) => event === 'subscribed')
  await staying.next(({ event }) => event === 'subscribed')
  expect(followersOf(site)).toBe(2)
  leaving.incoming.destroy()
  await until(() => followersOf(site) === 1)
  const ended = new Promise((resolve) => staying.incoming.once('close', resolve))
  await site.close()
  await ended
})

test('a restart of the log ends a stream, which says so, and the next one goes on behind it', async () => {
  const site = await serveOnce()
  const stream = await listen(site)
  await stream.next(({ event }) => event === 'subscribed')
  const [before] = await promise(site)
  await stream.next(({ data }) => data.job?.id === before)
  const ended = once(stream.incoming, 'close')
  expect((await site.call('node.restart', { part: 'wal' })).status).toBe(200)
  await ended
  const last = stream.events.at(-1)!
  expect(last).toMatchObject({ event: 'error', data: { error: { code: 'WAL_CLOSED' } } })
  const [after] = await promise(site)
  const again = await listen(site, '', { 'last-event-id': String(last.id) })
  await again.next(({ data }) => data.job?.id === after)
})
