import { readdir, readFile, stat } from 'node:fs/promises'
import { inspect } from 'node:util'
import { createCredentials } from '@ipfs-kit/credentials'
import { describe, expect, test } from 'vitest'
import { coded, decrypted, huggingface, opened, planted, s3 } from './store.ts'

const main = { name: 'main', service: 's3', fields: s3 } as const
const hub = { name: 'hub', service: 'huggingface', fields: huggingface } as const

describe('a secret that is added', () => {
  test('is encrypted in a file that only the owner can read, with its key in another', async () => {
    const { path, credentials, file, keyFile } = await opened()
    await credentials.add(main)
    for (const one of [file, keyFile]) expect((await stat(one)).mode & 0o777).toBe(0o600)
    expect((await readdir(path)).sort()).toEqual(['credentials.age', 'credentials.key', 'credentials.lock'])
    const bytes = await readFile(file)
    expect(bytes.toString('latin1')).toMatch(/^age-encryption\.org\/v1\n-> X25519 /)
    for (const text of planted) expect(bytes.includes(text)).toBe(false)
    expect(await decrypted(path)).toContain(s3.secretAccessKey)
  })

  test('is resolved by its name, also after the store is opened again', async () => {
    const { path, credentials } = await opened()
    await credentials.add(main)
    await credentials.add(hub)
    const again = createCredentials({ path })
    expect((await again.resolve('credential:main', 's3')).reveal()).toEqual(s3)
    expect((await again.resolve('credential:hub', 'huggingface')).reveal()).toEqual(huggingface)
  })

  test('is listed with its times and without its value', async () => {
    let time = 1000
    const { credentials } = await opened({ clock: () => time })
    await credentials.add({ ...main, expiresAt: 5000 })
    time = 2000
    await credentials.add(hub)
    const list = await credentials.list()
    expect(list).toEqual([
      { name: 'hub', service: 'huggingface', createdAt: 2000 },
      { name: 'main', service: 's3', createdAt: 1000, expiresAt: 5000 },
    ])
    expect(list.every(Object.isFrozen)).toBe(true)
  })

  test('does not replace another of its name', async () => {
    const { credentials } = await opened()
    await credentials.add(hub)
    await expect(credentials.add({ ...hub, fields: { token: 'other' } })).rejects.toEqual(
      coded('CREDENTIALS_EXISTS'),
    )
    expect((await credentials.resolve('credential:hub', 'huggingface')).reveal()).toEqual(huggingface)
  })

  test('is refused with a name, service, time or value of another form, none of which is repeated', async () => {
    const { path, credentials } = await opened({ clock: () => 1000 })
    const names = ['', 'A', '-a', 'a-', 'a b', '../a', 'a/b', 'a\0', 'a\n', 'x'.repeat(65), 'ü', null, 5]
    for (const name of names) {
      // @ts-expect-error some are no texts
      await expect(credentials.add({ ...hub, name })).rejects.toEqual(coded('CREDENTIALS_INVALID'))
    }
    // @ts-expect-error there is no such service
    await expect(credentials.add({ ...hub, service: 'toString' })).rejects.toThrow(
      'no service "toString"; there are s3, huggingface',
    )
    for (const expiresAt of [1000, 0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1000.5]) {
      await expect(credentials.add({ ...hub, expiresAt })).rejects.toEqual(coded('CREDENTIALS_INVALID'))
    }
    const values = [
      undefined,
      null,
      'planted-value',
      {},
      { token: '' },
      { token: 'planted-value\n' },
      { token: 'planted value' },
      { token: 'planted-ü' },
      { token: 'planted-value'.repeat(2000) },
      { token: 'a', 'planted-value': 'b' },
      { token: ['planted-value'] },
    ]
    for (const fields of values) {
      // @ts-expect-error not the fields of the service
      const error: unknown = await credentials.add({ ...hub, fields }).catch((thrown: unknown) => thrown)
      expect(error).toEqual(coded('CREDENTIALS_INVALID'))
      expect(inspect(error, { depth: null, showHidden: true })).not.toContain('planted')
    }
    expect(await readdir(path)).toEqual([])
  })

  test('is refused when there are 1,000', async () => {
    // Written at once, as a file of an older version may be: one by one takes seconds.
    const { replaceSecrets } = await import('../src/secret-file.ts')
    const { path, credentials, file } = await opened()
    await credentials.add(hub)
    const identity = (await readFile(`${path}/credentials.key`, 'utf8')).trim().split('\n').at(-1)!
    const many = Array.from({ length: 1000 }, (_, index) => ({
      name: `n${index}`,
      service: 'huggingface' as const,
      fields: huggingface,
      createdAt: 0,
    }))
    await replaceSecrets(file, many, identity)
    await expect(credentials.add(hub)).rejects.toEqual(coded('CREDENTIALS_FULL'))
    expect(await credentials.list()).toHaveLength(1000)
    expect(await credentials.remove('n999')).toBe(true)
    await credentials.add(hub)
  })
})

describe('rotate', () => {
  test('replaces the value and the expiry, and nothing of the old value is left in the home', async () => {
    let time = 1000
    const { path, credentials } = await opened({ clock: () => time })
    await credentials.add({ ...main, expiresAt: 5000 })
    time = 2000
    const fields = { accessKeyId: 'NEW', secretAccessKey: 'new-secret' }
    expect(await credentials.rotate({ ...main, fields })).toEqual({
      name: 'main',
      service: 's3',
      createdAt: 1000,
      rotatedAt: 2000,
    })
    expect((await credentials.resolve('credential:main', 's3')).reveal()).toEqual(fields)
    const text = await decrypted(path)
    expect(text).toContain('new-secret')
    for (const old of Object.values(s3)) expect(text).not.toContain(old)
    expect(await readdir(path)).toHaveLength(3)
  })

  test('refuses what is not there, and a secret of another service', async () => {
    const { credentials } = await opened()
    await expect(credentials.rotate(main)).rejects.toEqual(coded('CREDENTIALS_NOT_FOUND'))
    await credentials.add({ ...hub, name: 'main' })
    await expect(credentials.rotate(main)).rejects.toEqual(coded('CREDENTIALS_SERVICE'))
    expect((await credentials.resolve('credential:main', 'huggingface')).reveal()).toEqual(huggingface)
  })
})

test('remove takes a secret away, once', async () => {
  const { path, credentials } = await opened()
  expect(await credentials.remove('main')).toBe(false)
  await credentials.add(main)
  await credentials.add(hub)
  expect(await credentials.remove('main')).toBe(true)
  expect(await credentials.remove('main')).toBe(false)
  await expect(credentials.resolve('credential:main', 's3')).rejects.toEqual(coded('CREDENTIALS_NOT_FOUND'))
  expect(await decrypted(path)).not.toContain(s3.secretAccessKey)
  expect((await credentials.list()).map(({ name }) => name)).toEqual(['hub'])
})

test('a secret is not given for another service, and not at or after its end', async () => {
  let time = 1000
  const { credentials } = await opened({ clock: () => time })
  await credentials.add({ ...hub, expiresAt: 2000 })
  await expect(credentials.resolve('credential:hub', 's3')).rejects.toEqual(coded('CREDENTIALS_SERVICE'))
  time = 1999
  expect((await credentials.resolve('credential:hub', 'huggingface')).expiresAt).toBe(2000)
  time = 2000
  await expect(credentials.resolve('credential:hub', 'huggingface')).rejects.toEqual(
    coded('CREDENTIALS_EXPIRED'),
  )
})

describe('check', () => {
  test('tells that a secret is well formed, or why it is not to be had', async () => {
    let time = 1000
    const { credentials } = await opened({ clock: () => time, env: {} })
    await credentials.add({ ...hub, expiresAt: 2000 })
    expect(await credentials.check('credential:hub', 'huggingface')).toEqual({
      isGood: true,
      checked: 'form',
      expiresAt: 2000,
    })
    time = 2000
    const bad = [
      ['credential:hub', 'CREDENTIALS_EXPIRED'],
      ['credential:none', 'CREDENTIALS_NOT_FOUND'],
      ['env:NONE', 'CREDENTIALS_NOT_FOUND'],
      ['hf_plantedTokenW3rJ', 'CREDENTIALS_REFERENCE'],
    ] as const
    for (const [reference, code] of bad) {
      expect(await credentials.check(reference, 'huggingface')).toMatchObject({
        isGood: false,
        failed: 'resolve',
        code,
      })
    }
  })

  test('asks the service by the function that is given, whose error tells its code and nothing else', async () => {
    const { credentials } = await opened()
    await credentials.add(hub)
    const live = async (secret: { reveal(): { token: string } }) =>
      expect(secret.reveal()).toEqual(huggingface)
    expect(await credentials.check('credential:hub', 'huggingface', { live })).toEqual({
      isGood: true,
      checked: 'service',
    })
    const failing = (code: string) =>
      credentials.check('credential:hub', 'huggingface', {
        live: (secret) => Promise.reject(Object.assign(new Error(secret.reveal().token), { code })),
      })
    expect(await failing('HUB_REFUSED')).toEqual({ isGood: false, failed: 'service', code: 'HUB_REFUSED' })
    expect(await failing(huggingface.token)).toEqual({ isGood: false, failed: 'service', code: 'UNKNOWN' })
  })

  test('ends with the reason of its signal', async () => {
    const { credentials } = await opened()
    await credentials.add(hub)
    const ending = new AbortController()
    const reason = new Error('enough')
    const live = async () => {
      ending.abort(reason)
      throw new Error('cut off')
    }
    const checking = credentials.check('credential:hub', 'huggingface', { live, signal: ending.signal })
    await expect(checking).rejects.toThrow('cut off')
    const later = credentials.check('command:["sleep", "60"]', 'huggingface', { signal: ending.signal })
    await expect(later).rejects.toBe(reason)
  })
})

test('refuses options that are missing or unknown', () => {
  // @ts-expect-error path is needed
  expect(() => createCredentials({})).toThrow(TypeError)
  // @ts-expect-error options are needed
  expect(() => createCredentials()).toThrow(TypeError)
  expect(() => createCredentials({ path: '' })).toThrow(TypeError)
  // @ts-expect-error there is no such option
  expect(() => createCredentials({ path: 'x', key: 'y' })).toThrow(
    'no option key; it has path, identity, env, clock',
  )
  for (const identity of ['credential:a', 'AGE-SECRET-KEY-1', '']) {
    expect(() => createCredentials({ path: 'x', identity })).toThrow(coded('CREDENTIALS_REFERENCE') as Error)
  }
})
