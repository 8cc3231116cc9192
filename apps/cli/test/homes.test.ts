import { chmodSync, chownSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { jsonLines, run } from './command.ts'
import { temporaryHome } from './temporary-folder.ts'

const serve = ['serve', '--json', '--port', '0', '--gateway-port', '0']

/** Runs something that is to fail, and gives its exit code and its error. */
async function failure(args: readonly string[], home: string) {
  const { code, stdout, stderr } = await run([...args, '--json'], { home })
  expect(stdout).toBe('')
  const lines = jsonLines<{ error: { code: string; message: string; next: string } }>(stderr)
  expect(lines).toHaveLength(1)
  return { exit: code, ...lines[0]?.error }
}

describe.concurrent('a home', () => {
  test.each([{ args: serve }, { args: ['status'] }])(
    'of a newer format is refused by $args.0, with both formats, and is left as it is',
    async ({ args }) => {
      const home = temporaryHome()
      mkdirSync(home)
      writeFileSync(join(home, 'format'), '3\n')
      expect(await failure(args, home)).toMatchObject({
        exit: 2,
        code: 'KIT_HOME_TOO_NEW',
        message: expect.stringMatching(/has format 3; .* up to 2/),
        next: expect.stringContaining('newer'),
      })
      expect(readdirSync(home)).toEqual(['format'])
    },
  )

  test('that is some other folder with a file called format is refused', async () => {
    const home = temporaryHome()
    mkdirSync(home)
    writeFileSync(join(home, 'format'), 'letter, A4')
    expect(await failure(serve, home)).toMatchObject({
      exit: 2,
      code: 'KIT_HOME_INVALID',
      message: expect.stringContaining('A4'),
    })
  })

  test('that may not be written is refused with exit code 4, by commands and by serve', async () => {
    const home = temporaryHome()
    mkdirSync(home)
    chmodSync(join(home, '..'), 0o755)
    chmodSync(home, 0o555)
    const script = join(import.meta.dirname, 'processes/without-rights.ts')
    for (const args of [['status'], serve]) {
      const { code, stdout, stderr } = await run([temporaryHome(), '--home', home, ...args, '--json'], {
        script,
      })
      expect([code, stdout]).toEqual([4, ''])
      expect(jsonLines(stderr)).toMatchObject([
        { error: { code: 'KIT_HOME_UNWRITABLE', message: expect.stringContaining(home) } },
      ])
    }
    chmodSync(home, 0o755)
  })

  test('in which the token cannot be kept to its owner is refused with exit code 4', async () => {
    const home = temporaryHome()
    mkdirSync(join(home, 'tokens'), { recursive: true })
    chmodSync(join(home, 'tokens'), 0o755)
    expect(await failure(serve, home)).toMatchObject({ exit: 4, code: 'CREDENTIALS_UNSAFE_FILE' })
    if (process.getuid?.() !== 0) return
    chmodSync(join(home, 'tokens'), 0o700)
    chownSync(join(home, 'tokens'), 65_534, 65_534)
    expect(await failure(serve, home)).toMatchObject({ exit: 4, code: 'CREDENTIALS_UNSAFE_FILE' })
  })

  test('whose config.toml cannot be parsed is refused with file, line and column', async () => {
    const home = temporaryHome()
    mkdirSync(home)
    writeFileSync(join(home, 'config.toml'), 'network = "offline"\n[api\n')
    expect(await failure(serve, home)).toMatchObject({
      exit: 2,
      code: 'KIT_CONFIG_INVALID',
      message: expect.stringMatching(/config\.toml:[23]:[0-9]+: /),
    })
  })
})

describe.concurrent('a port', () => {
  test('that another program has ends serve with exit code 2, naming it, and leaves the home free', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const taken = String((other.address() as AddressInfo).port)
    const home = temporaryHome()
    try {
      for (const ports of [
        ['--port', taken, '--gateway-port', '0'],
        ['--port', '0', '--gateway-port', taken],
      ]) {
        expect(await failure(['serve', ...ports], home)).toMatchObject({
          exit: 2,
          code: 'SERVER_PORT_UNAVAILABLE',
          message: expect.stringContaining(taken),
        })
      }
      expect(await run(['status', '--wait', '0'], { home })).toMatchObject({ code: 0, stderr: '' })
    } finally {
      other.close()
    }
  })

  test('that is given twice is refused', async () => {
    expect(
      await failure(['serve', '--port', '4999', '--gateway-port', '4999'], temporaryHome()),
    ).toMatchObject({ exit: 2 })
  })
})
