import { existsSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { homeAt, openKit, readHolder } from '@ipfs-kit/kit'
import { kitOperations } from '@ipfs-kit/kit/operations'
import { expect, test } from 'vitest'
import { startChild } from './child.ts'
import { collect } from './collect.ts'
import { addFile, openTemporaryKit } from './open-kit.ts'
import { temporaryHome } from './temporary-home.ts'

test('opens a fresh home and finds what was added when it is opened again', async () => {
  const home = await temporaryHome()
  const first = await openKit({ home, role: 'command' })
  const cid = await addFile(first, 'a.txt', 'kept')
  await first.close()
  const second = await openTemporaryKit({ home })
  const { body } = await second.call('files.cat', { cid })
  expect(Buffer.concat(await collect(body)).toString()).toBe('kept')
  expect(await collect(await second.call('pins.ls', {}))).toMatchObject([{ cid }])
})

test('makes a token that others can read in a file', async () => {
  const kit = await openTemporaryKit()
  expect(kit.tokens.tokenFile.startsWith(kit.home.tokens)).toBe(true)
  expect(existsSync(kit.tokens.tokenFile)).toBe(true)
})

test('tells others where it is, and frees the home when it is closed', async () => {
  const kit = await openTemporaryKit({ role: 'server' })
  const home = kit.home.path
  expect(await readHolder(home)).toEqual({ pid: process.pid, role: 'server', startedAt: expect.any(String) })
  const addresses = { url: 'http://127.0.0.1:1', gatewayUrl: 'http://127.0.0.1:2' }
  await kit.announce(addresses)
  expect(await readHolder(home)).toMatchObject({ ...addresses, tokenFile: kit.tokens.tokenFile })
  await Promise.all([kit.close(), kit.close()])
  expect(await readHolder(home)).toBeUndefined()
  await expect(kit.announce(addresses)).rejects.toMatchObject({ code: 'KIT_CLOSED' })
  await expect(kit.call('node.status', {})).rejects.toMatchObject({ code: 'KIT_CLOSED', kind: 'temporary' })
  expect(() => kit.ipfs).toThrow(expect.objectContaining({ code: 'KIT_PART_UNAVAILABLE' }))
  await (await openKit({ home, role: 'command' })).close()
})

test('tells nobody where it is once it was withdrawn, and keeps its home', async () => {
  const kit = await openTemporaryKit({ role: 'server' })
  await kit.announce({ url: 'http://127.0.0.1:1' })
  await kit.withdraw()
  expect(await readHolder(kit.home.path)).toBeUndefined()
  await expect(openKit({ home: kit.home.path, role: 'command' })).rejects.toMatchObject({
    code: 'KIT_HOME_LOCKED',
  })
})

test('refuses an option that it does not know, with the nearest that it does', async () => {
  await expect(openKit({ hom: '/nowhere', role: 'command' } as never)).rejects.toThrow(/did you mean home\?/)
})

test('says how it is', async () => {
  const kit = await openTemporaryKit({ role: 'server' })
  await kit.announce({ url: 'http://127.0.0.1:1' })
  const status = await kit.call('node.status', {})
  expect(status).toMatchObject({
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    role: 'server',
    pid: process.pid,
    home: kit.home.path,
    network: 'offline',
    url: 'http://127.0.0.1:1',
    runningCalls: 1,
    parts: [
      { name: 'ipfs', state: 'running' },
      { name: 'wal', state: 'running' },
    ],
  })
  expect(status).not.toHaveProperty('gatewayUrl')
  expect(kit.stats()).toMatchObject({ runningCalls: 0, endedCalls: 1, failedCalls: 0 })
  expect(kit.stats().uptimeSeconds).toBeGreaterThanOrEqual(status.uptimeSeconds)
})

test('is refused while another process holds the home, opened when it is killed, and finds its content', async () => {
  const home = await temporaryHome()
  const holder = startChild('open-kit', [home, 'server'])
  const { cid } = await holder.answer()
  await expect(openKit({ home, role: 'server' })).rejects.toMatchObject({
    code: 'KIT_HOME_LOCKED',
    message: expect.stringContaining(`server with pid ${holder.pid}`),
  })
  await holder.kill()
  const kit = await openTemporaryKit({ home })
  const { body } = await kit.call('files.cat', { cid: String(cid) })
  expect(Buffer.concat(await collect(body)).toString()).toBe(`hello from ${holder.pid}`)
})

test('serves six processes at once, each in its turn', async () => {
  const home = await temporaryHome()
  const children = Array.from({ length: 6 }, () => startChild('open-kit', [home, 'command', '100000']))
  const turns = children.map(async (child) => {
    const answer = await child.answer()
    await child.finish()
    return answer
  })
  for (const answer of await Promise.all(turns)) expect(answer).toMatchObject({ opened: true })
  const kit = await openTemporaryKit({ home })
  expect(await collect(await kit.call('pins.ls', {}))).toHaveLength(6)
})

test('closes what was open when a later step fails', async () => {
  const home = await temporaryHome()
  await mkdir(home)
  const { config } = homeAt(home)
  await writeFile(config, 'network = "online"\n')
  await expect(openKit({ home, role: 'command' })).rejects.toMatchObject({ code: 'KIT_CONFIG_INVALID' })
  expect(await readHolder(home)).toBeUndefined()
  await writeFile(config, '')
  await writeFile(join(home, 'blocks'), 'in the way')
  await expect(openKit({ home, role: 'command' })).rejects.toThrow()
  expect(await readHolder(home)).toBeUndefined()
})

test('keeps the home when a part does not close, so that nobody writes beside it', async () => {
  const home = await temporaryHome()
  const kit = await openKit({ home, role: 'command', graceMs: 50 })
  const never = Promise.withResolvers<void>().promise
  await kit.parts.open('stuck', async () => ({ [Symbol.asyncDispose]: () => never }))
  await expect(kit.close()).rejects.toMatchObject({ code: 'KIT_PART_STUCK' })
  await expect(openKit({ home, role: 'command' })).rejects.toMatchObject({ code: 'KIT_HOME_LOCKED' })
})

test('refuses a home of a newer format and leaves it alone', async () => {
  const home = await temporaryHome()
  await mkdir(home)
  await writeFile(join(home, 'format'), '3\n')
  await expect(openKit({ home, role: 'command' })).rejects.toMatchObject({ code: 'KIT_HOME_TOO_NEW' })
  expect(await readdir(home)).toEqual(['format'])
})

test('takes settings of the file, and overrides over them', async () => {
  const home = await temporaryHome()
  await mkdir(home)
  await writeFile(homeAt(home).config, '[api]\nport = 5001\n[limits]\nmaxBlockBytes = 1048576\n')
  const kit = await openTemporaryKit({ home, config: { api: { port: 0 } } })
  expect(kit.config.api.port).toBe(0)
  await expect(kit.ipfs.blocks.put(new Uint8Array(1_048_577))).rejects.toMatchObject({
    code: 'IPFS_BLOCK_TOO_LARGE',
  })
})

test('ends opening with the reason of the signal, and frees the home', async () => {
  const home = await temporaryHome()
  const reason = new Error('enough')
  await expect(openKit({ home, role: 'command', signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  await (await openKit({ home, role: 'command' })).close()
})

test('has every entry once, each with a description of every field', async () => {
  const kit = await openTemporaryKit()
  expect(kit.operations).toBe(kitOperations)
  const names = kitOperations.map((entry) => entry.name)
  expect(new Set(names).size).toBe(names.length)
  expect(names).toEqual(
    expect.arrayContaining(['files.add', 'node.status', 'node.parts', 'node.restart', 'node.operations']),
  )
  const tools = kitOperations.filter((entry) => ('doors' in entry ? entry.doors?.includes('mcp') : true))
  expect(tools.map((entry) => entry.name).toSorted()).toEqual([
    'jobs.cancel',
    'jobs.list',
    'jobs.retry',
    'jobs.show',
    'node.status',
    'pin.set',
    'storage.list',
    'storage.read',
    'storage.stat',
    'storage.write',
  ])
})
