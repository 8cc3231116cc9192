import { readdir, readFile, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { openTokens, readToken } from '@ipfs-kit/credentials'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from './folder.ts'

describe('the first start', () => {
  test('makes a token that only the owner can read, and nothing else', async () => {
    const path = join(await temporaryFolder(), 'tokens')
    const { tokenFile } = await openTokens({ path })
    expect(tokenFile).toBe(join(path, 'default'))
    expect(await readFile(tokenFile, 'utf8')).toMatch(/^ipfskit_[A-Za-z0-9_-]{43}\n$/)
    expect((await stat(tokenFile)).mode & 0o777).toBe(0o600)
    expect((await stat(path)).mode & 0o777).toBe(0o700)
    expect(await readdir(path)).toEqual(['default'])
  })

  test('makes another token in each home', async () => {
    const [a, b] = [await temporaryFolder(), await temporaryFolder()]
    const first = await openTokens({ path: join(a, 'tokens') })
    const second = await openTokens({ path: join(b, 'tokens') })
    expect(second.verify((await readToken(first.tokenFile))!)).toBeUndefined()
  })

  test('takes a relative path and tells the absolute one', async () => {
    const folder = await temporaryFolder()
    const before = process.cwd()
    process.chdir(folder)
    try {
      expect((await openTokens({ path: 'tokens' })).tokenFile).toBe(join(process.cwd(), 'tokens', 'default'))
    } finally {
      process.chdir(before)
    }
  })
})

test('a later start keeps the token', async () => {
  const path = join(await temporaryFolder(), 'tokens')
  const token = await readToken((await openTokens({ path })).tokenFile)
  expect((await openTokens({ path })).verify(token!)).toEqual({
    id: 'default',
    scopes: ['content:read', 'content:write', 'pins', 'admin'],
  })
})

test('takes a token without a line end', async () => {
  const path = join(await temporaryFolder(), 'tokens')
  const { tokenFile } = await openTokens({ path })
  const token = (await readToken(tokenFile))!
  await truncate(tokenFile, token.length)
  expect((await openTokens({ path })).verify(token)?.id).toBe('default')
})

test('verify refuses everything but the token', async () => {
  const tokens = await openTokens({ path: join(await temporaryFolder(), 'tokens') })
  const token = (await readToken(tokens.tokenFile))!
  const wrong = [
    '',
    ' ',
    `${token} `,
    `${token}\n`,
    ` ${token}`,
    token.slice(0, -1),
    token.slice('ipfskit_'.length),
    token.toUpperCase(),
    `Bearer ${token}`,
    'ipfskit_',
    'ü'.repeat(50),
    '\0',
    'a'.repeat(10_000_000),
  ]
  for (const presented of wrong) expect(tokens.verify(presented)).toBeUndefined()
  for (const presented of [undefined, null, 5, {}, [token], Buffer.from(token)]) {
    // @ts-expect-error not a text
    expect(tokens.verify(presented)).toBeUndefined()
  }
  expect(tokens.verify(token)).toEqual({
    id: 'default',
    scopes: ['content:read', 'content:write', 'pins', 'admin'],
  })
})

test('what is verified cannot be given more scopes', async () => {
  const tokens = await openTokens({ path: join(await temporaryFolder(), 'tokens') })
  const verified = tokens.verify((await readToken(tokens.tokenFile))!)!
  expect(Object.isFrozen(verified)).toBe(true)
  expect(Object.isFrozen(verified.scopes)).toBe(true)
})

test('no token comes out of the object', async () => {
  const tokens = await openTokens({ path: join(await temporaryFolder(), 'tokens') })
  const token = (await readToken(tokens.tokenFile))!
  const secret = token.slice('ipfskit_'.length)
  for (const shown of [
    inspect(tokens, { depth: null, showHidden: true }),
    JSON.stringify(tokens),
    Object.values(tokens).join(),
  ]) {
    expect(shown).not.toContain(secret)
  }
})

test('refuses options that are missing or unknown', async () => {
  // @ts-expect-error path is needed
  await expect(openTokens({})).rejects.toThrow(TypeError)
  // @ts-expect-error options are needed
  await expect(openTokens()).rejects.toThrow(TypeError)
  await expect(openTokens({ path: '' })).rejects.toThrow(TypeError)
  // @ts-expect-error there is no such option
  await expect(openTokens({ path: 'x', file: 'y' })).rejects.toThrow('no option file; it has path, clock')
})
