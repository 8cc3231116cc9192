import { execFileSync } from 'node:child_process'
import { chmod, chown, lstat, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { openTokens, readToken } from '@ipfs-kit/credentials'
import { describe, expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from './folder.ts'

const unsafe = expect.objectContaining({
  name: 'CredentialsError',
  code: 'CREDENTIALS_UNSAFE_FILE',
  kind: 'forbidden',
  next: expect.any(String),
})

async function opened() {
  const path = join(await temporaryFolder(), 'tokens')
  const { tokenFile } = await openTokens({ path })
  return { path, tokenFile, token: (await readToken(tokenFile))! }
}

/** Asserts that both ways in refuse, with a message that matches, and that no token is in the error. */
async function expectRefused(path: string, message: RegExp, secret = 'ipfskit_'): Promise<void> {
  for (const call of [() => openTokens({ path }), () => readToken(join(path, 'default'))]) {
    const error: unknown = await call().then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toEqual(unsafe)
    expect(String(error)).toMatch(message)
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain(secret)
  }
}

describe('a token file is refused', () => {
  test.each([0o640, 0o604, 0o620, 0o602, 0o644, 0o660, 0o777])(
    'that others can use (mode %o)',
    async (mode) => {
      const { path, tokenFile } = await opened()
      await chmod(tokenFile, mode)
      await expectRefused(path, new RegExp(`mode 0${mode.toString(8)}.*run: chmod 600 "${tokenFile}"`))
      await chmod(tokenFile, 0o600)
      await openTokens({ path })
    },
  )

  test('that is a symbolic link, also to a good token', async () => {
    const { path, tokenFile } = await opened()
    await rename(tokenFile, join(path, 'elsewhere'))
    await symlink(join(path, 'elsewhere'), tokenFile)
    await expectRefused(path, /symbolic link/)
  })

  test('that is a symbolic link to nothing', async () => {
    const { path, tokenFile } = await opened()
    await rm(tokenFile)
    await symlink(join(path, 'nowhere'), tokenFile)
    await expectRefused(path, /symbolic link/)
    expect(await readdir(path)).toEqual(['default'])
  })

  test('that is a folder', async () => {
    const { path, tokenFile } = await opened()
    await rm(tokenFile)
    await mkdir(tokenFile, { mode: 0o700 })
    await expectRefused(path, /not a regular file/)
  })

  test('that is a pipe, without waiting for its writer', async () => {
    const { path, tokenFile } = await opened()
    await rm(tokenFile)
    execFileSync('mkfifo', ['-m', '600', tokenFile])
    await expectRefused(path, /not a regular file/)
  })

  test('that is a socket', async () => {
    const { path, tokenFile } = await opened()
    await rm(tokenFile)
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(tokenFile, resolve))
    onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())))
    await expectRefused(path, /not a regular file/)
  })

  test('that is empty', async () => {
    const { path, tokenFile } = await opened()
    await writeFile(tokenFile, '')
    await expectRefused(path, /is empty; remove it/)
  })

  test('that holds something else, which the error does not repeat', async () => {
    const { path, tokenFile, token } = await opened()
    const contents = [
      'hunter2-hunter2',
      '\n',
      `${token}\n\n`,
      `${token}x\n`,
      ` ${token}\n`,
      `${token}\r\n`,
      token.slice(0, -1),
      `${token}\n${token}\n`,
      token.replace('ipfskit_', 'otherkt_'),
      'a'.repeat(1_000_000),
      '\0'.repeat(51),
    ]
    for (const content of contents) {
      await writeFile(tokenFile, content)
      await expectRefused(path, /does not hold a token; remove it/, token.slice('ipfskit_'.length, -2))
      await expectRefused(path, /token/, 'hunter2')
    }
  })

  test('that belongs to another user', async () => {
    if (process.getuid?.() === 0) {
      const { path, tokenFile } = await opened()
      await chown(tokenFile, 65_534, 65_534)
      await expectRefused(path, /belongs to user 65534/)
    } else {
      // Only root can give a file away; this one is root's on every system.
      await expect(readToken('/etc/passwd')).rejects.toThrow(/belongs to user 0/)
    }
  })
})

describe('a folder of tokens is refused', () => {
  test.each([0o755, 0o750, 0o707, 0o777])('that others can enter (mode %o)', async (mode) => {
    const { path } = await opened()
    await chmod(path, mode)
    await expect(openTokens({ path })).rejects.toEqual(unsafe)
    await expect(openTokens({ path })).rejects.toThrow(`run: chmod 700 "${path}"`)
  })

  test('that is a link or a file', async () => {
    const folder = await temporaryFolder()
    await mkdir(join(folder, 'real'), { mode: 0o700 })
    await symlink(join(folder, 'real'), join(folder, 'link'))
    await writeFile(join(folder, 'file'), '')
    await expect(openTokens({ path: join(folder, 'link') })).rejects.toEqual(unsafe)
    await expect(openTokens({ path: join(folder, 'file') })).rejects.toEqual(unsafe)
    expect(await readdir(join(folder, 'real'))).toEqual([])
  })
})

describe('where no token can be made', () => {
  const unwritable = expect.objectContaining({ code: 'CREDENTIALS_UNWRITABLE', kind: 'forbidden' })

  test('a home that is missing is an error, and is not made', async () => {
    const home = join(await temporaryFolder(), 'missing')
    await expect(openTokens({ path: join(home, 'tokens') })).rejects.toEqual(unwritable)
    await expect(lstat(home)).rejects.toThrow('ENOENT')
  })

  test('a home that is a file is an error', async () => {
    const home = join(await temporaryFolder(), 'file')
    await writeFile(home, '')
    await expect(openTokens({ path: join(home, 'tokens') })).rejects.toEqual(unwritable)
  })
})

test('a token file that is not there is undefined, and one behind a file cannot be read', async () => {
  const folder = await temporaryFolder()
  expect(await readToken(join(folder, 'default'))).toBeUndefined()
  await writeFile(join(folder, 'file'), '')
  await expect(readToken(join(folder, 'file', 'default'))).rejects.toEqual(
    expect.objectContaining({ code: 'CREDENTIALS_UNREADABLE' }),
  )
})
