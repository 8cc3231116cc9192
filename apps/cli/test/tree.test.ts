import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { jsonLines, run } from './command.ts'
import { agentOverStdio } from './mcp-client.ts'
import { startServer } from './server.ts'
import { temporaryFolder, temporaryHome } from './temporary-folder.ts'

test.concurrent('files of this machine go into the tree and come out of it, without a server', async () => {
  const [home, cwd] = [temporaryHome(), temporaryFolder()]
  const content = randomBytes(3_000_000)
  writeFileSync(join(cwd, 'photo.jpg'), content)
  const fs = (...args: string[]) => run(['fs', ...args], { home, cwd })
  expect(await fs('write', '/photos/cat.jpg', 'photo.jpg', '--parents')).toMatchObject({
    ...{ code: 0, stdout: '' },
  })
  expect((await run(['fs', 'write', '/note'], { home, stdin: 'from standard input' })).code).toBe(0)
  expect((await fs('read', '/photos/cat.jpg')).bytes.equals(content)).toBe(true)
  expect((await fs('read', '/photos/cat.jpg', '--output', 'out.jpg')).code).toBe(0)
  expect(readFileSync(join(cwd, 'out.jpg')).equals(content)).toBe(true)
  expect((await fs('read', '/note', '--offset', '5', '--length', '8')).stdout).toBe('standard')

  expect((await fs('mv', '/note', '/photos/note.txt')).code).toBe(0)
  expect((await fs('cp', '/photos', '/copy')).code).toBe(0)
  expect((await fs('rm', '/photos')).code).toBe(1)
  expect((await fs('rm', '/photos', '--recursive')).code).toBe(0)
  const [{ entries }] = jsonLines<{ entries: { name: string; size: number }[] }>(
    (await fs('ls', '/copy', '--long', '--json')).stdout,
  ) as [{ entries: { name: string; size: number }[] }]
  expect(entries.map(({ name, size }) => [name, size])).toEqual([
    ['cat.jpg', content.length],
    ['note.txt', 19],
  ])
  const missing = await fs('stat', '/photos')
  expect([missing.code, missing.stderr]).toEqual([3, expect.stringContaining('JOURNAL_NOT_FOUND')])
  const behind = await fs('read', '/copy/note.txt', '--offset', '20')
  expect([behind.code, behind.stderr]).toEqual([2, expect.stringContaining('JOURNAL_RANGE')])

  // It would end with the command.
  const begun = await run(['journal', 'begin'], { home })
  expect([begun.code, begun.stderr]).toEqual([2, expect.stringContaining('CLI_SERVER_NEEDED')])

  // Between the tree and what has a CID.
  const cid = (await fs('export', '/copy')).stdout.trim()
  expect((await run(['cat', `${cid}/note.txt`], { home })).stdout).toBe('from standard input')
  expect((await fs('cp', `/ipfs/${cid}`, '/again/copy', '--parents')).code).toBe(0)
  expect((await fs('ls', '/again/copy')).stdout).toBe((await fs('ls', '/copy')).stdout)
})

test.concurrent('REST, the client and commands change one tree, and it outlives the server that is killed', async () => {
  const server = await startServer()
  const { home, client } = server
  const content = randomBytes(5_000_000)
  const pieces = (async function* () {
    for (let at = 0; at < content.length; at += 100_000) yield content.subarray(at, at + 100_000)
  })()
  const written = await server.request('fs/write?path=/rest/large&parents=true', {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: ReadableStream.from(pieces),
    duplex: 'half',
  })
  expect([written.status, await written.json()]).toEqual([200, { path: '/rest/large', bytes: 5_000_000 }])
  const part = await server.request('fs/read?path=/rest/large&offset=4999990')
  expect(part.headers.get('content-type')).toBe('application/octet-stream')
  expect(Buffer.from(await part.arrayBuffer()).equals(content.subarray(-10))).toBe(true)
  for (const [query, status] of [
    ['path=/none', 404],
    ['path=/rest', 400],
    ['path=/rest/large&offset=5000001', 416],
    ['path=/rest/../rest/large', 400],
    ['path=/rest/large&file=/etc/hostname', 400],
  ] as const) {
    expect([query, (await server.request(`fs/read?${query}`)).status]).toEqual([query, status])
  }

  const { id } = await client.call('journal.begin', {})
  await client.call('fs.mkdir', { path: '/client', transaction: id })
  const inside = await run(['fs', 'write', '/client/f', '--transaction', id], { home, stdin: 'f' })
  expect(inside.code).toBe(0)
  expect((await run(['fs', 'ls'], { home })).stdout).toBe('-  rest/\n')
  expect((await run(['journal', 'commit', id], { home })).stdout).toMatch(/ {2}committed {2}/)
  expect((await client.call('fs.ls', {})).entries.map(({ name }) => name)).toEqual(['client', 'rest'])

  server.process.kill('SIGKILL')
  await server.process.ended
  expect((await run(['fs', 'read', '/client/f'], { home })).stdout).toBe('f')
  expect((await run(['fs', 'read', '/rest/large'], { home })).bytes.equals(content)).toBe(true)
})

test.concurrent('the tree has names, is compared with what it was, and goes back', async () => {
  const home = temporaryHome()
  const fs = (...args: string[]) => run(['fs', ...args], { home, stdin: args.join(' ') })
  await fs('write', '/d/f', '--parents')
  expect((await fs('snapshot', 'before')).stdout).toMatch(/ {2}1 changes {2}before\n$/)
  await fs('write', '/d/f')
  await fs('mkdir', '/new')
  const { stdout } = await fs('diff', 'before')
  expect(stdout.trim().split('\n').sort()).toEqual(['added    /new', 'changed  /d/f'])
  expect((await fs('restore', 'before', '/d')).code).toBe(0)
  expect((await fs('read', '/d/f')).stdout).toBe('write /d/f --parents')
  expect((await fs('diff', 'before')).stdout).toBe('added    /new\n')
  const unknown = await fs('restore', 'after')
  expect([unknown.code, unknown.stderr]).toEqual([3, expect.stringContaining('JOURNAL_VERSION_UNKNOWN')])
})

test.concurrent('agents have the tree where the home asks for that', async () => {
  const home = temporaryHome()
  mkdirSync(home)
  writeFileSync(join(home, 'config.toml'), '[mcp]\nareas = ["fs"]\n')
  const agent = await agentOverStdio(home, '2026-07-28')
  await agent.call('fs_mkdir', { path: '/made' })
  expect(await agent.call('fs_ls')).toMatchObject({ entries: [{ name: 'made', type: 'directory' }] })
  const path = '/made/note.txt'
  expect(await agent.call('fs_write-file', { path, text: 'a note' })).toEqual({ path, bytes: 6 })
  expect(await agent.call('fs_read-file', { path, offset: 2 })).toMatchObject({ size: 6, text: 'note' })
  await agent.close()
})
