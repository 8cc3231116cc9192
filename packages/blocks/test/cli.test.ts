/** The command as a real process. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openBlocks } from '@ipfs-kit/blocks'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { blockOf } from './blocks-of.ts'

const script = fileURLToPath(new URL('../src/cli.ts', import.meta.url))
const node = ['--conditions=@ipfs-kit/source', script]

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

let home: string
let path: string

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'blocks-cli-'))
  path = join(home, 'blocks')
  const store = await openBlocks({ path })
  using lease = store.lease()
  for (let number = 0; number < 20; number++) {
    const { cid, bytes } = blockOf(number, 500)
    await (number < 10 ? lease.put(cid, bytes) : store.put(cid, bytes))
  }
  await store.close()
})

afterEach(() => rm(home, { recursive: true }))

function command(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env }, cwd: home }
    const child = execFile(process.execPath, [...node, ...args], options, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr })
    })
  })
}

test('stat tells the numbers, of the store in --path and in the home', async () => {
  const shown = await command(['stat', '--path', 'blocks'])
  expect(shown).toMatchObject({ code: 0, stderr: '' })
  expect(shown.stdout).toContain('20 (10000 bytes): 10 kept, 10 cache')
  const ofHome = await command(['stat', '--json'], { IPFS_KIT_HOME: home })
  expect(JSON.parse(ofHome.stdout)).toMatchObject({ entries: 20, keptBytes: 5000, cacheBytes: 5000 })
})

test('explain tells where a block lies', async () => {
  const { cid } = blockOf(1, 500)
  const { code, stdout } = await command(['explain', cid.toString(), '--path', path])
  expect(code).toBe(0)
  expect(stdout).toMatch(new RegExp(`^${cid.toString()}: kept, 500 bytes. It lies at byte \\d+ of kept pack`))
})

test('verify ends with 0, and with 6 and a line for each damage', async () => {
  const good = await command(['verify', '--json', '--path', path])
  expect(good.code).toBe(0)
  expect(JSON.parse(good.stdout)).toMatchObject({ items: 20, failed: 0, packs: 2 })
  const pack = (await readdir(path)).find((name) => name.startsWith('kept-'))!
  const file = await open(join(path, pack), 'r+')
  await file.write(Buffer.from('!'), 0, 1, 200)
  await file.close()
  const bad = await command(['verify', '--json', '--path', path])
  expect(bad.code).toBe(6)
  expect(
    bad.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toMatchObject([
    { problem: 'mismatch', cid: blockOf(0, 500).cid.toString() },
    { items: 19, failed: 1 },
  ])
})

test('compact leaves every block readable', async () => {
  const { code, stdout } = await command(['compact', '--min-dead-share', '0', '--path', path])
  expect({ code, stdout }).toMatchObject({ code: 0 })
  const store = await openBlocks({ path })
  for (let number = 0; number < 10; number++) {
    const { cid, bytes } = blockOf(number, 500)
    expect(await store.get(cid)).toEqual(bytes)
  }
  await store.close()
})

test('dump shows the frames of a pack, also while the store is open', async () => {
  const store = await openBlocks({ path })
  const pack = (await readdir(path)).find((name) => name.startsWith('kept-'))!
  const { code, stdout } = await command(['dump', join('blocks', pack), '--json'])
  await store.close()
  expect(code).toBe(0)
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { line: string; cid?: string })
  expect(lines[0]).toMatchObject({ line: 'header', stream: 'kept' })
  expect(lines.filter(({ line }) => line === 'frame')).toHaveLength(10)
  expect(lines.at(-1)).toMatchObject({ line: 'end', frames: 10 })
})

test('says by code and exit code what is wrong', async () => {
  const cases = [
    [['stat'], 2, 'COMMAND_USAGE'],
    [['stat', '--path', 'nothing'], 3, 'BLOCKS_NO_STORE'],
    [['explain', 'none', '--path', path], 2, 'COMMAND_USAGE'],
    [['dump', 'nothing.pack'], 3, 'DISK_NOT_FOUND'],
    [['verify', '--bytes-per-second', '0', '--path', path], 2, 'COMMAND_USAGE'],
  ] as const
  for (const [args, exitCode, errorCode] of cases) {
    const { code, stderr } = await command([...args, '--json'], { IPFS_KIT_HOME: '' })
    const { error } = JSON.parse(stderr) as { error: { code: string } }
    expect([args, code, error.code]).toEqual([args, exitCode, errorCode])
  }
  expect(await readdir(home)).toEqual(['blocks'])
})

test('says that another process has the store', async () => {
  const holder = spawn(
    process.execPath,
    [
      '--conditions=@ipfs-kit/source',
      '--input-type=module',
      '--eval',
      `import { openBlocks } from '@ipfs-kit/blocks'
       const store = await openBlocks({ path: ${JSON.stringify(path)} })
       console.log('open')
       process.stdin.once('data', () => store.close().then(() => process.exit()))`,
    ],
    { cwd: fileURLToPath(new URL('.', import.meta.url)), stdio: ['pipe', 'pipe', 'inherit'] },
  )
  await once(holder.stdout, 'data')
  const { code, stderr } = await command(['stat', '--json', '--path', path])
  holder.stdin.write('\n')
  await once(holder, 'exit')
  expect(code).toBe(1)
  const { error } = JSON.parse(stderr) as { error: { code: string; message: string } }
  expect(error.code).toBe('BLOCKS_LOCKED')
  expect(error.message).toContain('open in another process')
})
