import { randomBytes } from 'node:crypto'
import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { type ErrorAnswer, serve, serveOnce, until } from './serving.ts'

/** Writes over some of the bytes of a block where a pack file holds them. */
async function overwrite(block: Uint8Array, folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.name.endsWith('.pack')) continue
    const file = join(entry.parentPath, entry.name)
    const at = (await readFile(file)).indexOf(block)
    if (at === -1) continue
    const handle = await open(file, 'r+')
    await handle.write('damaged', at + 10)
    await handle.close()
    return
  }
  throw new Error('There is no such block')
}

/** No read of a block gives anything but this from here on. */
function failReads({ server }: Awaited<ReturnType<typeof serveOnce>>): void {
  server.kit.ipfs.blockstore.get = () => {
    throw new Error(`EISDIR: illegal operation on a directory, read ${server.kit.home.path}`)
  }
}

it('has the cause of an answer that does not explain it, under the same id', async () => {
  const site = await serveOnce()
  const cid = await site.add('hello')
  failReads(site)

  const answer = await site.call('files.cat', { cid })
  const body = JSON.parse(answer.text) as ErrorAnswer
  expect(answer.status).toBe(500)
  expect(body.kind).toBe('internal')
  expect(answer.text).not.toContain(site.server.kit.home.path)

  expect(site.lines).toHaveLength(1)
  expect(JSON.parse(site.lines[0] ?? '')).toMatchObject({
    level: 'error',
    requestId: body.requestId,
    operation: 'files.cat',
    error: { message: expect.stringContaining('EISDIR') },
  })
  expect(site.lines.join('')).not.toContain(site.token)
})

it('has the cause of what a tool could not do', async () => {
  const site = await serveOnce()
  const cid = await site.add('hello')
  failReads(site)
  const request = {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'storage_read', arguments: { address: cid } },
  }
  const answer = await site.ask('/mcp', {
    method: 'POST',
    headers: {
      authorization: `Bearer ${site.token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify(request),
  })
  expect(answer.text).toContain('"isError":true')
  expect(answer.text).not.toContain(site.server.kit.home.path)
  expect(site.lines.map((line) => JSON.parse(line))).toMatchObject([
    { operation: 'storage.read', error: { message: expect.stringContaining('EISDIR') } },
  ])
  const { requestId } = JSON.parse(site.lines[0] ?? '') as { requestId: string }
  expect((await site.call('node.operations')).text).toContain(requestId)
})

it('has what nobody knows of, whichever door it came to', async () => {
  const site = await serveOnce()
  site.server.kit.tokens.verify = () => {
    throw new Error('secret detail')
  }
  const authorization = 'Bearer x'
  const ids: string[] = []
  for (const path of ['/api/v1/node/status', '/mcp', '/api/v1/openapi.json']) {
    const answer = await site.ask(path, { headers: { authorization } })
    expect(answer.status).toBe(500)
    expect(answer.text).not.toContain('secret')
    const body = JSON.parse(answer.text) as ErrorAnswer
    expect(body).toMatchObject({ code: 'OPERATION_INTERNAL', retryable: false })
    ids.push(body.requestId)
  }
  const lines = site.lines.map(
    (line) => JSON.parse(line) as { requestId: string; error: { message: string } },
  )
  expect(lines.map(({ requestId }) => requestId)).toEqual(ids)
  for (const { error } of lines) expect(error.message).toBe('secret detail')
})

it('has what the gateway could not answer or finish', async () => {
  const site = await serveOnce()
  const content = randomBytes(3_000_000)
  const cid = await site.add(content)
  await overwrite(content.subarray(2 * 1_048_576), site.server.kit.home.path)
  await expect(site.gateway(`/ipfs/${cid}?filename=a.bin`)).rejects.toThrow()
  const answer = await site.gateway(`/ipfs/${cid}?filename=a.bin`, {
    headers: { range: 'bytes=2500000-', accept: 'application/json' },
  })
  expect(answer.status).toBe(500)
  expect(site.lines.map((line) => JSON.parse(line))).toMatchObject([
    { requestId: '', operation: 'gateway', error: { code: 'IPFS_BLOCK_CORRUPT' } },
    {
      requestId: (JSON.parse(answer.text) as ErrorAnswer).requestId,
      operation: 'gateway',
      error: { code: 'IPFS_BLOCK_CORRUPT' },
    },
  ])
})

it('has nothing that its answer explains, and nothing of clients that go away', async () => {
  const site = await serveOnce()
  await site.ask('/nothing')
  await site.ask('/%')
  await site.raw('nonsense\r\n\r\n')
  await site.call('files.cat', { cid: 'nonsense' })
  await site.gateway('/ipfs/nonsense')
  for (const body of ['{"a"', '5', '{}', '{"jsonrpc":"2.0","id":1,"method":"nothing"}']) {
    for (const type of ['application/json', 'text/plain']) {
      const headers = { authorization: `Bearer ${site.token}`, 'content-type': type }
      await site.ask('/mcp', { method: 'POST', headers, body })
    }
  }
  const head = `POST /api/v1/files/add HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${site.token}\r\n`
  const calls = site.server.kit.stats().endedCalls
  const socket = connect(site.port, '127.0.0.1')
  socket.write(`${head}content-type: application/octet-stream\r\ncontent-length: 500\r\n\r\nabc`)
  await until(() => site.server.kit.stats().runningCalls === 1)
  socket.destroy()
  await until(() => site.server.kit.stats().endedCalls === calls + 1)
  expect(site.lines).toEqual([])
})

it('has what opening the home has found that is not as it was left', async () => {
  const home = await mkdtemp(join(tmpdir(), 'mcp-server-log-'))
  onTestFinished(() => rm(home, { recursive: true }))
  const first = await serve({ home })
  await first.close()
  expect(first.lines).toEqual([])
  const [segment] = (await readdir(join(home, 'log'))).filter((name) => name.endsWith('.wal'))
  const file = await open(join(home, 'log', segment!), 'r+')
  await file.write('damaged', 100)
  await file.close()

  const second = await serve({ home })
  await second.close()
  const found = second.lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(found).toMatchObject([{ level: 'warn', part: 'wal', finding: { segment } }])
})
