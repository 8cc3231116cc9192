import { chmod, readFile, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { createCredentials } from '@ipfs-kit/credentials'
import {
  Encrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from 'age-encryption'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from './folder.ts'
import { coded, huggingface, opened, planted } from './store.ts'

const hub = { name: 'hub', service: 'huggingface', fields: huggingface } as const

async function filled() {
  const store = await opened()
  await store.credentials.add(hub)
  return store
}

/** Asserts that reads and changes refuse with one of the codes, that no error shows a secret, and that the file stays. */
async function expectRefused(store: Awaited<ReturnType<typeof opened>>, codes: string | readonly string[]) {
  const { credentials, file } = store
  const before = await readFile(file)
  const calls = [
    () => credentials.list(),
    () => credentials.resolve('credential:hub', 'huggingface'),
    () => credentials.add({ ...hub, name: 'other' }),
    () => credentials.rotate(hub),
    () => credentials.remove('hub'),
  ]
  for (const call of calls) {
    const error: unknown = await call().then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect([codes].flat()).toContain((error as { code?: string } | undefined)?.code)
    const shown = inspect(error, { depth: null, showHidden: true })
    for (const text of [...planted, 'AGE-SECRET-KEY']) expect(shown).not.toContain(text)
  }
  expect((await readFile(file)).equals(before)).toBe(true)
}

describe('is refused, and told how to mend', () => {
  test.each([0o640, 0o604, 0o622, 0o777])('a file of mode %o', async (mode) => {
    for (const which of ['file', 'keyFile'] as const) {
      const store = await filled()
      await chmod(store[which], mode)
      await expectRefused(store, 'CREDENTIALS_UNSAFE_FILE')
      await expect(store.credentials.list()).rejects.toThrow(`run: chmod 600 "${store[which]}"`)
      await chmod(store[which], 0o600)
      expect(await store.credentials.list()).toHaveLength(1)
    }
  })

  test('a file that is a symbolic link', async () => {
    for (const which of ['file', 'keyFile'] as const) {
      const store = await filled()
      const elsewhere = join(store.path, 'elsewhere')
      await rename(store[which], elsewhere)
      await symlink(elsewhere, store[which])
      await expectRefused(store, 'CREDENTIALS_UNSAFE_FILE')
    }
  })

  test.each([0o770, 0o707, 0o722])('a home in which others can write (mode %o)', async (mode) => {
    const store = await filled()
    await chmod(store.path, mode)
    await expectRefused(store, 'CREDENTIALS_UNSAFE_FILE')
    await expect(store.credentials.list()).rejects.toThrow(`run: chmod go-w "${store.path}"`)
    await chmod(store.path, 0o755)
    expect(await store.credentials.list()).toHaveLength(1)
  })

  test('a home that is a file, or below one', async () => {
    const store = await filled()
    await expect(createCredentials({ path: store.file }).list()).rejects.toEqual(
      coded('CREDENTIALS_UNSAFE_FILE'),
    )
    await expect(createCredentials({ path: join(store.file, 'below') }).list()).rejects.toEqual(
      coded('CREDENTIALS_UNREADABLE'),
    )
  })

  test('a home that is missing, which is not made', async () => {
    const path = join(await temporaryFolder(), 'missing')
    const credentials = createCredentials({ path })
    await expect(credentials.list()).rejects.toEqual(coded('CREDENTIALS_UNREADABLE'))
    await expect(credentials.add(hub)).rejects.toEqual(coded('CREDENTIALS_UNREADABLE'))
    await expect(stat(path)).rejects.toThrow('ENOENT')
  })
})

test('a link to a home is as good as the home', async () => {
  const store = await filled()
  const path = join(await temporaryFolder(), 'link')
  await symlink(store.path, path)
  const linked = createCredentials({ path })
  await linked.add({ ...hub, name: 'other' })
  expect(await store.credentials.list()).toHaveLength(2)
  await chmod(store.path, 0o777)
  await expect(linked.list()).rejects.toEqual(coded('CREDENTIALS_UNSAFE_FILE'))
})

describe('a damaged file', () => {
  test('cut at any byte is refused and stays', async () => {
    const store = await filled()
    const whole = await readFile(store.file)
    for (let length = 0; length < whole.length; length += 1) {
      await truncate(store.file, length)
      await expect(store.credentials.list()).rejects.toEqual(coded('CREDENTIALS_DAMAGED'))
      await writeFile(store.file, whole)
    }
    await truncate(store.file, whole.length - 1)
    await expectRefused(store, 'CREDENTIALS_DAMAGED')
  })

  test('with any byte changed is refused', async () => {
    const store = await filled()
    const whole = await readFile(store.file)
    for (let at = 0; at < whole.length; at += 1) {
      const changed = Buffer.from(whole)
      changed[at]! ^= 0x01
      await writeFile(store.file, changed)
      await expect(store.credentials.list()).rejects.toMatchObject({
        code: expect.stringMatching(/^CREDENTIALS_(DAMAGED|KEY_WRONG)$/),
      })
    }
  })

  test('that is something else, or far too long, is refused', async () => {
    const store = await filled()
    for (const content of ['', 'hunter2', Buffer.alloc(5_000_000, 'age')]) {
      await writeFile(store.file, content)
      await expectRefused(store, 'CREDENTIALS_DAMAGED')
    }
  })

  test('encrypted for us with something else inside is refused, and not shown', async () => {
    const store = await filled()
    const key = (await readFile(store.keyFile, 'utf8')).trim().split('\n').at(-1)!
    const secret = { name: 'a', service: 'huggingface', fields: { token: planted[0] }, createdAt: 0 }
    const cases = [
      ['no json', 'CREDENTIALS_DAMAGED'],
      [`{"${planted[0]}`, 'CREDENTIALS_DAMAGED'],
      [JSON.stringify({ version: 1, secrets: [{ ...secret, more: planted[0] }] }), 'CREDENTIALS_DAMAGED'],
      [JSON.stringify({ version: 1, secrets: [{ ...secret, service: planted[0] }] }), 'CREDENTIALS_DAMAGED'],
      [JSON.stringify({ version: 2, secrets: [] }), 'CREDENTIALS_TOO_NEW'],
    ] as const
    for (const [text, code] of cases) {
      const encrypter = new Encrypter()
      encrypter.addRecipient(await identityToRecipient(key))
      await writeFile(store.file, await encrypter.encrypt(text))
      await expectRefused(store, code)
    }
  })
})

describe('the key', () => {
  test('that is missing is an error and is not made anew', async () => {
    const store = await filled()
    await rm(store.keyFile)
    await expectRefused(store, 'CREDENTIALS_KEY_WRONG')
    await expect(stat(store.keyFile)).rejects.toThrow('ENOENT')
  })

  test('of another home, or that is none, is refused', async () => {
    const store = await filled()
    const other = await generateX25519Identity()
    const broken = `${other.slice(0, -1)}${other.endsWith('Q') ? 'P' : 'Q'}`
    const contents = [
      other,
      '',
      'hunter2',
      `${other}\n${other}`,
      broken,
      'AGE-SECRET-KEY-1',
      ' '.repeat(20_000),
    ]
    for (const content of contents) {
      await writeFile(store.keyFile, content)
      await expectRefused(store, 'CREDENTIALS_KEY_WRONG')
    }
  })

  test('that is there before the first secret is used', async () => {
    for (const identity of [await generateX25519Identity(), await generateHybridIdentity()]) {
      const { credentials, keyFile } = await opened()
      await writeFile(keyFile, `# made elsewhere\n\n${identity}\n`, { mode: 0o600 })
      await credentials.add(hub)
      expect(await readFile(keyFile, 'utf8')).toContain(identity)
      expect((await credentials.resolve('credential:hub', 'huggingface')).reveal()).toEqual(huggingface)
    }
  })

  test('may be in the environment or come from a command, and then no file is made', async () => {
    const key = await generateX25519Identity()
    const first = await opened({ identity: 'env:KEY', env: { KEY: key } })
    await first.credentials.add(hub)
    await expect(stat(first.keyFile)).rejects.toThrow('ENOENT')
    const printing = `command:${JSON.stringify([process.execPath, '-e', `console.log(${JSON.stringify(key)})`])}`
    const again = createCredentials({ path: first.path, identity: printing })
    expect((await again.resolve('credential:hub', 'huggingface')).reveal()).toEqual(huggingface)
    const without = createCredentials({ path: first.path, identity: 'env:KEY', env: {} })
    await expect(without.list()).rejects.toEqual(coded('CREDENTIALS_NOT_FOUND'))
    const wrong = createCredentials({ path: first.path, identity: 'env:KEY', env: { KEY: 'hunter2' } })
    const error: unknown = await wrong.list().catch((thrown: unknown) => thrown)
    expect(error).toEqual(coded('CREDENTIALS_KEY_WRONG'))
    expect(inspect(error)).not.toContain('hunter2')
  })
})
