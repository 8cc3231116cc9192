import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type CommandOptions, jsonLines, run } from './command.ts'
import { startServer } from './server.ts'
import { damage } from './store.ts'
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
  test.each([
    { option: '--help', says: /^Usage: ipfs-kit / },
    { option: '--version', says: /^[0-9]+\.[0-9]+\.[0-9]+\n$/ },
  ])('is that of $option', async ({ option, says }) => {
    const { code, stdout, stderr } = await run([option])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(says)
  })
})

describe.concurrent('exit code 1', () => {
  test('says that every item failed', async () => {
    const { code, stdout, stderr } = await run(['add', 'nothing-here', '--json'], {
      home: temporaryHome(),
      cwd: temporaryFolder(),
    })
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
    expect(await failure(['get', cid, '--output', output], { home })).toMatchObject({
      exit: 1,
      code: 'COMMAND_OUTPUT_EXISTS',
    })
  })
})

describe.concurrent('exit code 2', () => {
  test.each([
    { args: ['nosuch'], says: /nosuch/ },
    { args: ['status', '--nosuch'], says: /--nosuch/ },
    { args: ['status', '--wait', 'soon'], says: /seconds from 0/ },
    { args: ['serve', '--isolated'], says: /--isolated/ },
    { args: ['status', '--home', ''], says: /empty/ },
    { args: ['add', ''], says: /empty/ },
  ])('is that of wrong usage: $args', async ({ args, says }) => {
    const error = await failure(args)
    expect(error).toMatchObject({ exit: 2, code: 'COMMAND_USAGE', message: expect.stringMatching(says) })
  })

  test('is that of a command left incomplete, with the help on standard error', async () => {
    const { code, stdout, stderr } = await run(['pin'])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^Usage: ipfs-kit pin /)
  })

  test('is that of an invalid CID, with an example of one', async () => {
    const error = await failure(['cat', 'not-a-cid'])
    expect(error).toMatchObject({
      exit: 2,
      code: 'IPFS_INVALID_CID',
      message: expect.stringMatching(/not-a-cid.*bafk/),
    })
  })

  test('is that of another network than offline, naming what is known', async () => {
    const home = temporaryHome()
    mkdirSync(home)
    writeFileSync(join(home, 'config.toml'), 'network = "public"\n')
    const error = await failure(['serve'], { home })
    expect(error).toMatchObject({
      exit: 2,
      code: 'KIT_CONFIG_INVALID',
      message: expect.stringMatching(/network.*offline/),
    })
  })
})

describe.concurrent('exit code 3', () => {
  test('is that of an unknown CID; the error in words says what was tried, its code and what to do', async () => {
    const { code, stdout, stderr } = await run(['cat', absent], { home: temporaryHome() })
    expect([code, stdout]).toEqual([3, ''])
    expect(stderr).toMatch(
      /^error: The block bafk[^\n]* tried: the local block store[^\n]*offline\n {2}IPFS_BLOCK_NOT_FOUND — Check [^\n]*\n$/,
    )
  })
})

describe.concurrent('exit code 4', () => {
  test('is that of a home that cannot be made', async () => {
    const error = await failure(['status'], { home: '/dev/null/home' })
    expect(error).toMatchObject({
      exit: 4,
      code: 'KIT_HOME_UNWRITABLE',
      message: expect.stringContaining('/dev/null/home'),
    })
  })

  test('is that of a token that the server does not take', async () => {
    const server = await startServer()
    writeFileSync(server.tokenFile, `ipfskit_${'A'.repeat(43)}\n`)
    const wrong = await failure(['status'], { home: server.home })
    expect(wrong).toMatchObject({ exit: 4, code: 'SERVER_TOKEN_WRONG' })
  })
})

describe.concurrent('exit code 6', () => {
  test('says that some items failed', async () => {
    const home = temporaryHome()
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'good'), 'good')
    const { code, stdout, stderr } = await run(['add', 'good', 'missing', '--json'], { home, cwd: folder })
    expect([code, stderr]).toEqual([6, ''])
    const lines = jsonLines(stdout)
    expect(lines).toContainEqual({
      path: 'missing',
      failed: { code: 'WALK_MISSING', message: expect.any(String) },
    })
    expect(lines.at(-1)).toMatchObject({ items: 1, failed: 1, bytes: 4 })
  })
})

describe.concurrent('exit code 7', () => {
  test('is that of a block above the limit', async () => {
    const error = await failure(['block', 'put'], { stdin: Buffer.alloc(2_097_153) })
    expect(error).toMatchObject({
      exit: 7,
      code: 'IPFS_BLOCK_TOO_LARGE',
      message: expect.stringContaining('2097152'),
    })
  })
})

describe.concurrent('exit code 8', () => {
  test('is that of stored bytes that do not match their CID', async () => {
    const home = temporaryHome()
    const cid =
      (await run(['add', '-'], { home, stdin: 'to be damaged' })).stdout.trim().split('\n').at(-1) ?? ''
    damage(home, 'to be damaged')
    const error = await failure(['cat', cid], { home })
    expect(error).toMatchObject({
      exit: 8,
      code: 'IPFS_BLOCK_CORRUPT',
      message: expect.stringContaining(cid),
    })
  })
})
