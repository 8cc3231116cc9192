import { mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { type CommandOptions, jsonLines, run, start } from './command.ts'
import { startServer } from './server.ts'
import { temporaryFolder, temporaryHome } from './temporary-folder.ts'

const absent = 'bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e'

/** Runs a command that is to fail: nothing may be on standard output, and one JSON object on standard error. */
async function failure(args: readonly string[], options: CommandOptions = {}) {
  const { code, stdout, stderr } = await run([...args, '--json'], { home: temporaryHome(), ...options })
  expect(stdout).toBe('')
  const [line, ...more] = jsonLines<{ error: Record<string, unknown> }>(stderr)
  expect(more).toEqual([])
  const { error } = line ?? { error: {} }
  for (const key of ['code', 'kind', 'message', 'next']) expect(error[key], key).toMatch(/./)
  expect(error['retryable']).toBe(error['kind'] === 'temporary')
  return { exit: code, code: error['code'], message: error['message'] }
}

describe.concurrent('exit code 0', () => {
  test.each([['--help'], ['--version'], ['help', 'add'], ['pin', 'ls', '--help']])('is that of %s %s %s', async (...args) => {
    const { code, stdout, stderr } = await run(args.filter((word) => typeof word === 'string'))
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(args[0] === '--version' ? /^[0-9]+\.[0-9]+\.[0-9]+\n$/ : /^Usage: ipfs-kit /)
  })
})

describe.concurrent('exit code 1', () => {
  test('says that every item failed', async () => {
    const { code, stdout, stderr } = await run(['add', 'nothing-here', '--json'], { home: temporaryHome(), cwd: temporaryFolder() })
    expect([code, stderr]).toEqual([1, ''])
    expect(jsonLines(stdout)).toEqual([
      { path: 'nothing-here', failed: { code: 'WALK_MISSING', message: expect.any(String) } },
      { bytes: 0, items: 0, failed: 1 },
    ])
  })

  test('says that the command could not do what it was asked', async () => {
    const home = temporaryHome()
    const cid = (await run(['add', '-'], { home, stdin: 'x' })).stdout.trim().split('\n').at(-1) ?? ''
    const output = join(temporaryFolder(), 'there')
    writeFileSync(output, 'mine')
    expect(await failure(['get', cid, '--output', output], { home })).toMatchObject({ exit: 1, code: 'COMMAND_OUTPUT_EXISTS' })
  })
})

describe.concurrent('exit code 2', () => {
  test.each([
    { args: ['nosuch'], says: /nosuch/ },
    { args: ['pin', 'nosuch'], says: /nosuch/ },
    { args: ['status', '--nosuch'], says: /--nosuch/ },
    { args: ['cat'], says: /cid/ },
    { args: ['status', '--wait', 'soon'], says: /seconds from 0/ },
    { args: ['serve', '--port', '80x'], says: /0 to 65535/ },
    { args: ['serve', '--isolated'], says: /--isolated/ },
    { args: ['add', '.', '--profile', 'mine'], says: /unixfs-v1-2025/ },
    { args: ['status', '--home', ''], says: /empty/ },
  ])('is that of wrong usage: $args', async ({ args, says }) => {
    const error = await failure(args)
    expect(error).toMatchObject({ exit: 2, code: 'COMMAND_USAGE', message: expect.stringMatching(says) })
  })

  test('is that of a command left incomplete, with the help on standard error', async () => {
    for (const args of [[], ['pin']]) {
      const { code, stdout, stderr } = await run(args)
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toMatch(/^Usage: ipfs-kit /)
    }
  })

  test('is that of an invalid CID, with an example of one', async () => {
    const error = await failure(['cat', 'not-a-cid'])
    expect(error).toMatchObject({ exit: 2, code: 'IPFS_INVALID_CID', message: expect.stringMatching(/not-a-cid.*bafk/) })
  })

  test('is that of a configuration with an unknown key, naming the nearest', async () => {
    const home = temporaryHome()
    mkdirSync(home)
    writeFileSync(join(home, 'config.toml'), '[api]\nprot = 1\n')
    const error = await failure(['status'], { home })
    expect(error).toMatchObject({ exit: 2, code: 'KIT_CONFIG_INVALID', message: expect.stringContaining('api.port') })
  })

  test('is that of another network than offline, naming what is known', async () => {
    const home = temporaryHome()
    mkdirSync(home)
    writeFileSync(join(home, 'config.toml'), 'network = "public"\n')
    const error = await failure(['serve'], { home })
    expect(error).toMatchObject({ exit: 2, code: 'KIT_CONFIG_INVALID', message: expect.stringMatching(/network.*offline/) })
  })
})

describe.concurrent('exit code 3', () => {
  test('is that of an unknown CID, saying what was tried', async () => {
    const error = await failure(['cat', absent])
    expect(error).toMatchObject({
      exit: 3,
      code: 'IPFS_BLOCK_NOT_FOUND',
      message: expect.stringMatching(new RegExp(`${absent}.*tried: the local block store.*offline`)),
    })
  })

  test('is that of a path that does not exist in a DAG, naming the folder', async () => {
    const home = temporaryHome()
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'there'), '')
    const cid = jsonLines((await run(['add', folder, '--json'], { home })).stdout).at(-1)?.['cid']
    const error = await failure(['cat', `${String(cid)}/not-there`], { home })
    expect(error).toMatchObject({ exit: 3, code: 'IPFS_PATH_NOT_FOUND', message: expect.stringContaining('not-there') })
  })

  test('is that of a file to be sent that does not exist', async () => {
    expect(await failure(['car', 'import', 'nothing.car'])).toMatchObject({ exit: 3, code: 'COMMAND_INPUT_MISSING' })
  })
})

describe.concurrent('exit code 4', () => {
  test('is that of a home that cannot be made', async () => {
    const error = await failure(['status'], { home: '/dev/null/home' })
    expect(error).toMatchObject({ exit: 4, code: 'KIT_HOME_UNWRITABLE', message: expect.stringContaining('/dev/null/home') })
  })

  test('is that of a token that the server does not take, and of a token file that is not safe', async () => {
    const server = await startServer()
    writeFileSync(server.tokenFile, `ipfskit_${'A'.repeat(43)}\n`)
    const wrong = await failure(['status'], { home: server.home })
    expect(wrong).toMatchObject({ exit: 4, code: 'SERVER_TOKEN_WRONG' })
    writeFileSync(server.tokenFile, 'no token\n')
    const unsafe = await failure(['status'], { home: server.home })
    expect(unsafe).toMatchObject({ exit: 4, code: 'CREDENTIALS_UNSAFE_FILE' })
  })
})

describe.concurrent('exit code 6', () => {
  test('says that some items failed; the others are added', async () => {
    const home = temporaryHome()
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'good'), 'good')
    const { code, stdout, stderr } = await run(['add', 'good', 'missing', '--json'], { home, cwd: folder })
    expect([code, stderr]).toEqual([6, ''])
    const lines = jsonLines(stdout)
    expect(lines).toContainEqual({ path: 'missing', failed: { code: 'WALK_MISSING', message: expect.any(String) } })
    expect(lines.at(-1)).toMatchObject({ items: 1, failed: 1, bytes: 4 })
    expect(await run(['cat', String(lines.at(-1)?.['cid'])], { home })).toMatchObject({ code: 0, stdout: 'good' })
  })
})

describe.concurrent('exit code 7', () => {
  test('is that of a block above the limit', async () => {
    const error = await failure(['block', 'put'], { stdin: Buffer.alloc(2_097_153) })
    expect(error).toMatchObject({ exit: 7, code: 'IPFS_BLOCK_TOO_LARGE', message: expect.stringContaining('2097152') })
  })
})

describe.concurrent('exit code 8', () => {
  let home: string
  let cid: string
  let archive: Buffer
  beforeAll(async () => {
    home = temporaryHome()
    cid = (await run(['add', '-'], { home, stdin: 'to be damaged' })).stdout.trim().split('\n').at(-1) ?? ''
    archive = (await run(['car', 'export', cid], { home })).bytes
    for (const file of readdirSync(join(home, 'blocks'), { recursive: true, withFileTypes: true })) {
      if (file.isFile()) truncateSync(join(file.parentPath, file.name), 3)
    }
  })

  test('is that of stored bytes that do not match their CID', async () => {
    const error = await failure(['cat', cid], { home })
    expect(error).toMatchObject({ exit: 8, code: 'IPFS_BLOCK_CORRUPT', message: expect.stringContaining(cid) })
  })

  test('is that of an archive that lies', async () => {
    const lying = Buffer.from(archive)
    lying[lying.length - 1] = (lying.at(-1) ?? 0) ^ 1
    const error = await failure(['car', 'import'], { stdin: lying })
    expect(error).toMatchObject({ exit: 8, code: 'IPFS_CAR_INVALID' })
  })
})

describe.concurrent('exit code 130', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('is that of a command that %s cancels while it waits for a home', async (signal) => {
    const home = temporaryHome()
    const small = join(temporaryFolder(), 'small')
    writeFileSync(small, 'small')
    const holding = start(['add', small, '-', '--json'], { home, stdin: 'open' })
    await holding.line()
    const waiting = start(['status', '--json', '--wait', '60'], { home, stdin: 'open' })
    // The third is refused, so the second has had its time to begin to wait.
    await run(['status', '--wait', '0'], { home })
    waiting.kill(signal)
    expect(await waiting.ended).toMatchObject({ code: 130, signal: null, stdout: '' })
    holding.stdin.end()
    expect((await holding.ended).code).toBe(0)
  })
})

test('errors as text have the message, the code and what to do', async () => {
  const { code, stdout, stderr } = await run(['cat', absent], { home: temporaryHome() })
  expect([code, stdout]).toEqual([3, ''])
  expect(stderr).toMatch(/^error: The block bafk[^\n]*\n {2}IPFS_BLOCK_NOT_FOUND — Check the CID[^\n]*\n$/)
})
