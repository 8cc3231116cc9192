import { chmod, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { openTokens, readToken } from '@ipfs-kit/credentials'
import { scopes } from '@ipfs-kit/operations'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from './folder.ts'
import { coded } from './store.ts'

const dayMs = 86_400_000

async function opened(clock?: () => number) {
  const path = join(await temporaryFolder(), 'tokens')
  const tokens = await openTokens({ path, clock })
  return { path, tokens, file: join(path, 'issued.json') }
}

describe('a token that is made', () => {
  test('is verified with its scopes and no others, also after the tokens are opened again', async () => {
    const { path, tokens } = await opened()
    const { token } = await tokens.create({ name: 'ci', scopes: ['pins', 'content:read', 'pins'] })
    expect(token).toMatch(/^ipfskit_[A-Za-z0-9_-]{43}$/)
    for (const one of [tokens, await openTokens({ path })]) {
      const verified = one.verify(token)
      expect(verified).toEqual({ id: 'ci', scopes: ['content:read', 'pins'] })
      expect(Object.isFrozen(verified) && Object.isFrozen(verified?.scopes)).toBe(true)
      expect(one.verify(`${token}x`)).toBeUndefined()
      expect(one.verify((await readToken(one.tokenFile))!)?.scopes).toEqual(scopes)
    }
  })

  test('is shown once: the file has its digest, and lists have neither', async () => {
    const { path, tokens, file } = await opened(() => 1000)
    const { token, ...summary } = await tokens.create({ name: 'ci', scopes: ['admin'], expiresAt: 2000 })
    expect(summary).toEqual({ name: 'ci', scopes: ['admin'], createdAt: 1000, expiresAt: 2000 })
    const text = await readFile(file, 'utf8')
    const { digest } = (JSON.parse(text) as { tokens: [{ digest: string }] }).tokens[0]
    expect(digest).toMatch(/^[0-9a-f]{64}$/)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    for (const shown of [text, inspect(tokens, { depth: null, showHidden: true }), JSON.stringify(tokens)]) {
      expect(shown).not.toContain(token.slice('ipfskit_'.length))
    }
    expect(tokens.list()).toEqual([summary])
    expect(JSON.stringify(tokens.list())).not.toContain(digest)
    expect((await readdir(path)).sort()).toEqual(['default', 'issued.json', 'issued.lock'])
  })

  test('expires: after 90 days if no other time is given', async () => {
    let time = 1000
    const { tokens } = await opened(() => time)
    const { token, expiresAt } = await tokens.create({ name: 'ci', scopes: ['pins'] })
    expect(expiresAt).toBe(1000 + 90 * dayMs)
    time = expiresAt - 1
    expect(tokens.verify(token)?.id).toBe('ci')
    time = expiresAt
    expect(() => tokens.verify(token)).toThrow(coded('CREDENTIALS_TOKEN_EXPIRED') as Error)
  })

  test('needs a free name, known scopes and an end that comes', async () => {
    const { path, tokens } = await opened(() => 1000)
    const good = { name: 'ci', scopes: ['pins'] } as const
    await tokens.create(good)
    await expect(tokens.create(good)).rejects.toEqual(coded('CREDENTIALS_EXISTS'))
    await expect(tokens.create({ ...good, name: 'default' })).rejects.toEqual(coded('CREDENTIALS_EXISTS'))
    for (const name of ['', 'A', '../x', 'a\0', 'x'.repeat(65)]) {
      await expect(tokens.create({ ...good, name })).rejects.toEqual(coded('CREDENTIALS_INVALID'))
    }
    for (const wrong of [[], ['read'], ['pins', 'root'], 'pins', undefined]) {
      // @ts-expect-error not scopes
      await expect(tokens.create({ name: 'b', scopes: wrong })).rejects.toEqual(coded('CREDENTIALS_INVALID'))
    }
    for (const expiresAt of [1000, 0, Number.NaN, Number.POSITIVE_INFINITY, 1001 + 3650 * dayMs]) {
      await expect(tokens.create({ ...good, name: 'b', expiresAt })).rejects.toEqual(
        coded('CREDENTIALS_INVALID'),
      )
    }
    expect((await openTokens({ path })).list().map(({ name }) => name)).toEqual(['ci'])
  })
})

describe('revoke', () => {
  test('ends a token at once, also in a process that has seen it', async () => {
    const { path, tokens } = await opened()
    const other = await openTokens({ path })
    const { token } = await tokens.create({ name: 'ci', scopes: ['pins'] })
    expect(other.verify(token)?.id).toBe('ci')
    expect(await tokens.revoke('ci')).toBe(true)
    for (const one of [tokens, other, await openTokens({ path })]) {
      expect(() => one.verify(token)).toThrow(coded('CREDENTIALS_TOKEN_REVOKED') as Error)
    }
    expect(await tokens.revoke('ci')).toBe(false)
    expect(await tokens.revoke('never')).toBe(false)
    expect(tokens.list()).toEqual([expect.objectContaining({ name: 'ci', revokedAt: expect.any(Number) })])
  })

  test('leaves the name to the next token, and the old one wrong', async () => {
    const { tokens } = await opened()
    const first = await tokens.create({ name: 'ci', scopes: ['pins'] })
    await tokens.revoke('ci')
    const second = await tokens.create({ name: 'ci', scopes: ['admin'] })
    expect(tokens.verify(first.token)).toBeUndefined()
    expect(tokens.verify(second.token)?.scopes).toEqual(['admin'])
  })

  test('does not touch the token of the home, and says how that is changed', async () => {
    const { tokens } = await opened()
    await expect(tokens.revoke('default')).rejects.toEqual(coded('CREDENTIALS_INVALID'))
    await expect(tokens.revoke('default')).rejects.toThrow(`remove ${tokens.tokenFile}`)
    expect(tokens.verify((await readToken(tokens.tokenFile))!)?.id).toBe('default')
  })
})

test('1,000 tokens are kept; of those that have ended the one that ended first makes room', async () => {
  let time = 1000
  const { tokens, file } = await opened(() => time)
  const one = (index: number, expiresAt: number) => ({
    name: `n${index}`,
    digest: index.toString(16).padStart(64, '0'),
    scopes: ['pins'],
    createdAt: 0,
    expiresAt,
  })
  const all = Array.from({ length: 1000 }, (_, index) => one(index, 3000 - index))
  await writeFile(file, JSON.stringify({ version: 1, tokens: all }), { mode: 0o600 })
  await expect(tokens.create({ name: 'more', scopes: ['pins'] })).rejects.toEqual(coded('CREDENTIALS_FULL'))
  time = 2002
  const { token } = await tokens.create({ name: 'more', scopes: ['pins'] })
  expect(tokens.verify(token)?.id).toBe('more')
  const names = tokens.list().map(({ name }) => name)
  expect(names).toHaveLength(1000)
  expect(names).toContain('n998')
  expect(names).not.toContain('n999')
})

describe('a file of tokens that cannot be used', () => {
  test('lets nobody in but the owner, whom it tells what to do', async () => {
    const cases = [
      ['CREDENTIALS_DAMAGED', (file: string) => writeFile(file, '')],
      ['CREDENTIALS_DAMAGED', (file: string) => writeFile(file, '{"version":1,"tokens":[{}]}')],
      ['CREDENTIALS_DAMAGED', (file: string) => writeFile(file, Buffer.alloc(2_000_000, ' '))],
      ['CREDENTIALS_TOO_NEW', (file: string) => writeFile(file, '{"version":2}')],
      ['CREDENTIALS_UNSAFE_FILE', (file: string) => chmod(file, 0o644)],
      ['CREDENTIALS_UNSAFE_FILE', (file: string) => rm(file).then(() => symlink('default', file))],
    ] as const
    for (const [code, spoil] of cases) {
      const { path, tokens, file } = await opened()
      const { token } = await tokens.create({ name: 'ci', scopes: ['admin'] })
      tokens.verify(token)
      await spoil(file)
      for (const one of [tokens, await openTokens({ path })]) {
        expect(() => one.verify(token)).toThrow(coded(code) as Error)
        expect(() => one.verify(token)).toThrow(coded(code) as Error)
        expect(() => one.list()).toThrow(coded(code) as Error)
        await expect(one.create({ name: 'b', scopes: ['pins'] })).rejects.toEqual(coded(code))
        expect(one.verify((await readToken(one.tokenFile))!)?.id).toBe('default')
      }
    }
  })

  test('that is removed takes all tokens with it', async () => {
    const { tokens, file } = await opened()
    const { token } = await tokens.create({ name: 'ci', scopes: ['admin'] })
    expect(tokens.verify(token)?.id).toBe('ci')
    await rm(file)
    expect(tokens.verify(token)).toBeUndefined()
    expect(tokens.list()).toEqual([])
  })
})

test('tokens that are made at once are all kept', async () => {
  const { path, tokens } = await opened()
  const both = [tokens, await openTokens({ path })]
  const made = await Promise.all(
    Array.from({ length: 10 }, (_, index) =>
      both[index % 2]!.create({ name: `n${index}`, scopes: ['pins'] }),
    ),
  )
  for (const { name, token } of made) expect(tokens.verify(token)?.id).toBe(name)
})
