import diagnosticsChannel from 'node:diagnostics_channel'
import { Client, InMemoryTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { mcpServers } from '@ipfs-kit/mcp-server'
import type { CallRecord } from '@ipfs-kit/operations'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { call, connect, wires } from './mcp-client.ts'
import { pattern, serve, type Site, until } from './serving.ts'

/** Every tool that nobody has to ask for. Restarting a part and looking at the calls of others is for people. */
const names = [
  'jobs_cancel',
  'jobs_list',
  'jobs_retry',
  'jobs_show',
  'node_status',
  'pin_set',
  'storage_list',
  'storage_read',
  'storage_stat',
  'storage_write',
]

let site: Site
beforeAll(async () => {
  site = await serve()
})
afterAll(() => site.close())

/** Adds a folder of folders, each of which a walk has to read, and pins nothing. */
async function addFolders(name: string, folders: number): Promise<string> {
  const body = Array.from({ length: folders }, (_, at) => ({
    path: `${name}/${at}/a.txt`,
    content: Buffer.from(`${name} ${at}`),
  }))
  let cid = ''
  for await (const line of await site.server.kit.call('files.add', { pin: false }, { body })) {
    if ('items' in line) cid = line.cid ?? ''
  }
  return cid
}

describe.each(wires)('on the wire %s', (wire) => {
  it('there are these tools, each with annotations and schemas', async () => {
    const client = await connect(wire, site)
    expect(client.getNegotiatedProtocolVersion()).toBe(wire)
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name).toSorted()).toEqual(names)
    const hints: Record<string, unknown> = {}
    for (const { name, title, description, inputSchema, outputSchema, annotations } of tools) {
      expect(title, name).toBeTruthy()
      expect(description, name).toBeTruthy()
      expect(inputSchema.type, name).toBe('object')
      expect(outputSchema?.type, name).toBe('object')
      for (const property of Object.values(inputSchema.properties ?? {})) {
        expect(property, name).toHaveProperty('description')
      }
      const { readOnlyHint, destructiveHint, idempotentHint, openWorldHint } = annotations ?? {}
      hints[name] = [readOnlyHint, destructiveHint, idempotentHint, openWorldHint]
    }
    expect(hints).toEqual({
      jobs_cancel: [false, true, false, false],
      jobs_list: [true, false, true, false],
      jobs_retry: [false, false, false, false],
      jobs_show: [true, false, true, false],
      node_status: [true, false, true, false],
      pin_set: [false, true, true, false],
      storage_list: [true, false, true, false],
      storage_read: [true, false, true, false],
      storage_stat: [true, false, true, false],
      storage_write: [false, false, true, false],
    })
  })

  it('what is written is listed, described, read, and let go again', async () => {
    const client = await connect(wire, site)
    const text = `notes on the wire ${wire}\n`
    const written = await call(client, 'storage_write', { name: `${wire}/notes/today.md`, text })
    expect(written).toMatchObject({ address: `/ipfs/${written.cid}/notes/today.md`, bytes: text.length })

    const roots = await call(client, 'storage_list')
    expect(roots.entries).toContainEqual(
      expect.objectContaining({ address: `/ipfs/${written.cid}`, type: 'directory' }),
    )
    const folder = await call(client, 'storage_list', { address: `/ipfs/${written.cid}/notes` })
    expect(folder).toEqual({
      entries: [{ name: 'today.md', address: written.address, type: 'file', size: text.length }],
    })
    expect(await call(client, 'storage_stat', { address: written.address })).toMatchObject({
      address: written.address,
      type: 'file',
      size: text.length,
    })
    expect(await call(client, 'storage_read', { address: written.address })).toEqual({
      address: written.address,
      mediaType: 'text/markdown; charset=utf-8',
      size: text.length,
      offset: 0,
      length: text.length,
      text,
    })
    expect((await site.gateway(written.address)).text).toBe(text)

    expect(await call(client, 'pin_set', { address: written.cid, pinned: false })).toEqual({
      cid: written.cid,
      pinned: false,
    })
    expect((await site.call('pins.ls')).text).not.toContain(written.cid)
    expect(await call(client, 'pin_set', { address: written.cid, pinned: true, name: 'kept' })).toEqual({
      cid: written.cid,
      pinned: true,
    })
    expect((await site.call('pins.ls')).text).toContain(written.cid)

    expect(await call(client, 'node_status')).toMatchObject({ role: 'server', url: site.server.url })
  })

  it('a range is read, and none of it splits a character', async () => {
    const client = await connect(wire, site)
    const { address } = await call(client, 'storage_write', { name: 'umlauts.txt', text: 'aäöü' })
    const first = await call(client, 'storage_read', { address, offset: 0, length: 4 })
    expect(first).toMatchObject({ text: 'aä', offset: 0, length: 3, size: 7 })
    const next = await call(client, 'storage_read', { address, offset: 3, length: 2 })
    expect(next).toMatchObject({ text: 'ö', offset: 3, length: 2 })
    expect(await call(client, 'storage_read', { address, offset: 5 })).toMatchObject({ text: 'ü', length: 2 })
  })

  it('bytes come as base64 up to 64 KiB and as a link above', async () => {
    const client = await connect(wire, site)
    const bytes = pattern(200_000)
    const cid = await site.add(bytes)
    const small = await call(client, 'storage_read', { address: cid, length: 65_536 })
    expect(Buffer.from(small.base64, 'base64').equals(bytes.subarray(0, 65_536))).toBe(true)
    const rest = await call(client, 'storage_read', { address: cid, offset: 150_000, length: 65_536 })
    expect(Buffer.from(rest.base64, 'base64').equals(bytes.subarray(150_000))).toBe(true)

    const result = await client.callTool({
      name: 'storage_read',
      arguments: { address: cid, length: 65_537 },
    })
    const large = result.structuredContent as any
    expect(large.base64).toBeUndefined()
    expect(large).toMatchObject({ length: 0, size: 200_000, resource: { size: 200_000 } })
    expect(result.content).toContainEqual(
      expect.objectContaining({ type: 'resource_link', uri: large.resource.uri }),
    )
    expect(large.resource.uri).toBe(`${site.server.gatewayUrl}/ipfs/${cid}`)
    const fetched = Buffer.from(await (await fetch(large.resource.uri)).arrayBuffer())
    expect(fetched.equals(bytes)).toBe(true)
  })

  it('what is written as base64 comes back as it is, and more than 1 MiB is refused', async () => {
    const client = await connect(wire, site)
    const bytes = pattern(1_048_576, 7)
    const base64 = bytes.toString('base64')
    const { cid } = await call(client, 'storage_write', { name: 'a.bin', base64 })
    expect((await site.gateway(`/ipfs/${cid}`)).body.equals(bytes)).toBe(true)
    const more = await client.callTool({
      name: 'storage_write',
      arguments: { name: 'b.bin', base64: Buffer.concat([bytes, bytes]).toString('base64') },
    })
    expect(more.isError).toBe(true)
  })

  it.each([
    ['storage_read', { address: 'nonsense' }, 'IPFS_INVALID_CID: '],
    [
      'storage_read',
      { address: 'bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e' },
      'IPFS_BLOCK_NOT_FOUND: ',
    ],
    ['storage_stat', {}, 'OPERATION_INVALID_INPUT: '],
    ['storage_list', { limit: 5000 }, 'OPERATION_INVALID_INPUT: '],
    ['storage_list', { colour: 'red' }, 'OPERATION_INVALID_INPUT: '],
    ['storage_write', { name: '../up.txt', text: 'x' }, ''],
    ['storage_write', { name: 'both.txt', text: 'x', base64: 'eA==' }, 'OPERATION_INVALID_INPUT: '],
  ])('%s of %j is a result that says what to do', async (name, input, start) => {
    const client = await connect(wire, site)
    const result = await client.callTool({ name, arguments: input })
    expect(result.isError).toBe(true)
    expect(result.structuredContent).toBeUndefined()
    const [{ text } = { text: '' }] = result.content as { text: string }[]
    expect(text).toMatch(new RegExp(`^${start}`))
    expect(text).toMatch(/^[A-Z_]+: .+\. .+\.$/s)
  })

  it('a tool that does not exist is an error of the protocol', async () => {
    const client = await connect(wire, site)
    await expect(client.callTool({ name: 'node_restart', arguments: {} })).rejects.toMatchObject({
      code: -32602,
    })
  })

  it('a call that its client gives up is cancelled', async () => {
    const client = await connect(wire, site)
    const ended = Promise.withResolvers<CallRecord>()
    const note = (message: unknown): void => {
      const record = message as CallRecord
      if (record.name === 'pin.set') ended.resolve(record)
    }
    diagnosticsChannel.subscribe('operations:call', note)
    onTestFinished(() => void diagnosticsChannel.unsubscribe('operations:call', note))
    // Enough blocks for the walk to be long under way when the client leaves.
    const cid = await addFolders(wire, 2000)
    const gone = new AbortController()
    const calling = client.callTool(
      { name: 'pin_set', arguments: { address: cid, pinned: true } },
      { signal: gone.signal },
    )
    await until(() => site.server.kit.stats().runningCalls > 0)
    gone.abort(new Error('enough'))
    await expect(calling).rejects.toThrow()
    expect(await ended.promise).toMatchObject({ code: 'OPERATION_CANCELLED' })
    expect((await site.call('pins.ls')).text).not.toContain(cid)
    expect(site.server.kit.stats().runningCalls).toBe(0)
  })
})

it('a client of the older wire cancels its own calls only, though others use the same ids', async () => {
  const [first, second] = [await connect('2025-11-25', site), await connect('2025-11-25', site)]
  const [cid, other] = [await addFolders('first', 2000), await addFolders('second', 2000)]
  const staying = call(second, 'pin_set', { address: other, pinned: true })
  await until(() => site.server.kit.stats().runningCalls === 1)
  const gone = new AbortController()
  const calling = first.callTool(
    { name: 'pin_set', arguments: { address: cid, pinned: true } },
    { signal: gone.signal },
  )
  await until(() => site.server.kit.stats().runningCalls === 2)
  gone.abort(new Error('enough'))
  await expect(calling).rejects.toThrow()
  expect(await staying).toEqual({ cid: other, pinned: true })
  await until(() => site.server.kit.stats().runningCalls === 0)
  const { text } = await site.call('pins.ls')
  expect(text).toContain(other)
  expect(text).not.toContain(cid)
})

describe('the door', () => {
  const post = (body: string | Uint8Array, headers: Record<string, string | undefined> = {}) =>
    site.ask('/mcp', {
      method: 'POST',
      headers: {
        authorization: `Bearer ${site.token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      body,
    })
  const ping = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })

  it('is shut without the token', async () => {
    for (const authorization of [undefined, 'Bearer wrong']) {
      const answer = await post(ping, { authorization })
      expect(answer.status).toBe(authorization === undefined ? 401 : 403)
    }
    const client = new Client({ name: 'test', version: '0.0.0' })
    await expect(
      client.connect(new StreamableHTTPClientTransport(new URL('/mcp', site.server.url))),
    ).rejects.toThrow()
  })

  it('takes bodies up to 4 MiB', async () => {
    const filled = (bytes: number): string => {
      const empty = ping.replace('"ping"', '"ping","params":{"x":""}')
      return empty.replace('"x":""', `"x":"${'x'.repeat(bytes - empty.length)}"`)
    }
    expect((await post(filled(4_194_304))).status).toBe(200)
    const larger = await post(filled(4_194_305))
    expect(larger.status).toBe(413)
    expect(JSON.parse(larger.text)).toMatchObject({ code: 'OPERATION_BODY_TOO_LARGE' })
    const counted = await site.raw(
      `POST /mcp HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer ${site.token}\r\ncontent-type: application/json\r\n` +
        `transfer-encoding: chunked\r\n\r\n${(5_000_000).toString(16)}\r\n${'x'.repeat(5_000_000)}\r\n0\r\n\r\n`,
    )
    expect(counted).toMatch(/^HTTP\/1\.1 413 /)
  })

  it('answers what is no request of the protocol in the way of the protocol', async () => {
    const bad = [
      await post('{"a"'),
      await post(ping, { 'content-type': 'text/plain' }),
      await site.ask('/mcp', { headers: { authorization: `Bearer ${site.token}` } }),
    ]
    expect(bad.map(({ status }) => status)).toEqual([400, 415, 405])
    for (const { text, headers } of bad) {
      expect(JSON.parse(text)).toMatchObject({ jsonrpc: '2.0', error: { code: expect.any(Number) } })
      expect(headers['x-request-id']).toBeTruthy()
      expect(headers['x-content-type-options']).toBe('nosniff')
    }
  })

  it('shows nothing of the token to tools and answers', async () => {
    const client = await connect('2026-07-28', site)
    expect(JSON.stringify(await client.callTool({ name: 'node_status', arguments: {} }))).not.toContain(
      site.token,
    )
    expect(JSON.stringify(await client.listTools())).not.toContain(site.token)
  })
})

it('tools that the scopes of a token do not allow are not there', async () => {
  const { operations, caller, version } = site.server.kit
  const listed = async (scopes: string[] | undefined): Promise<string[]> => {
    const factory = mcpServers({ operations, caller, version })
    const authInfo = scopes && { token: 'default', clientId: 'default', scopes }
    const server = await factory({ era: 'legacy', ...(authInfo && { authInfo }) })
    const [near, far] = InMemoryTransport.createLinkedPair()
    await server.connect(far)
    const client = new Client({ name: 'test', version: '0.0.0' })
    await client.connect(near)
    onTestFinished(() => client.close())
    const { tools } = await client.listTools().catch(() => ({ tools: [] }))
    return tools.map(({ name }) => name).toSorted()
  }
  expect(await listed(undefined)).toEqual(names)
  expect(await listed(['content:read', 'content:write', 'pins', 'admin'])).toEqual(names)
  const readers = ['jobs_list', 'jobs_show', 'node_status', 'storage_list', 'storage_read', 'storage_stat']
  expect(await listed(['content:read'])).toEqual(readers)
  expect(await listed([])).toEqual([])
})
