import { join } from 'node:path'
import { inspect } from 'node:util'
import { createCredentials, openTokens } from '@ipfs-kit/credentials'
import { credentialsOperations } from '@ipfs-kit/credentials/operations'
import { createCaller, doorsOf, type TableOf } from '@ipfs-kit/operations'
import { expect, test } from 'vitest'
import { temporaryFolder } from './folder.ts'
import { huggingface, planted, s3 } from './store.ts'

async function opened() {
  const path = await temporaryFolder()
  const credentials = createCredentials({ path })
  const tokens = await openTokens({ path: join(path, 'tokens') })
  const { signal } = new AbortController()
  const { call } = createCaller<TableOf<typeof credentialsOperations>>({
    operations: credentialsOperations,
    borrow: () => ({ parts: { credentials, tokens }, signal, release() {} }),
  })
  return { call, credentials, tokens }
}

async function* bodyOf(...pieces: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield typeof piece === 'string' ? Buffer.from(piece) : piece
}

async function collect<T>(lines: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const line of lines) all.push(line)
  return all
}

const iso = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as unknown as string
const future = '2100-01-01T00:00:00.000Z'
const main = { name: 'main', service: 's3' } as const
const hub = { name: 'hub', service: 'huggingface' } as const

test('are for administrators, at REST and the command line alone', () => {
  for (const entry of credentialsOperations) {
    expect([entry.name, entry.scope, doorsOf(entry)]).toEqual([entry.name, 'admin', ['cli']])
  }
})

test('a secret is added, listed, checked, rotated and removed, and no answer has its value', async () => {
  const { call, credentials } = await opened()
  const answers: unknown[] = []
  const lines = [s3.accessKeyId, s3.secretAccessKey, s3.sessionToken].join('\n')
  const halves = [lines.slice(0, 20), lines.slice(20), '\n']
  const added = await call('credentials.add', { ...main, expiresAt: future }, { body: bodyOf(...halves) })
  expect(added).toEqual({ ...main, createdAt: iso, expiresAt: future })
  expect((await credentials.resolve('credential:main', 's3')).reveal()).toEqual(s3)
  answers.push(added, await call('credentials.add', hub, { body: bodyOf('hf_first') }))
  const rotated = await call('credentials.rotate', hub, { body: bodyOf(`${huggingface.token}\r\n`) })
  expect(rotated).toEqual({ ...hub, createdAt: iso, rotatedAt: iso })
  expect((await credentials.resolve('credential:hub', 'huggingface')).reveal()).toEqual(huggingface)
  const listed = await collect(await call('credentials.list', {}))
  expect(listed).toEqual([rotated, added])
  const checked = await call('credentials.check', main)
  expect(checked).toEqual({ name: 'main', isGood: true, expiresAt: future })
  expect(await call('credentials.check', { ...main, name: 'none' })).toEqual({
    name: 'none',
    isGood: false,
    code: 'CREDENTIALS_NOT_FOUND',
    message: 'There is no secret none',
  })
  expect(await call('credentials.remove', { name: 'main' })).toEqual({ name: 'main', removed: true })
  expect(await call('credentials.remove', { name: 'main' })).toEqual({ name: 'main', removed: false })
  answers.push(rotated, listed, checked)
  for (const text of planted) expect(JSON.stringify(answers)).not.toContain(text)
})

test('a secret for s3 may be the JSON of the AWS tools, whose expiry counts if no other is given', async () => {
  const { call } = await opened()
  const json = JSON.stringify({
    Version: 1,
    AccessKeyId: s3.accessKeyId,
    SecretAccessKey: s3.secretAccessKey,
    Expiration: future,
  })
  expect(await call('credentials.add', main, { body: bodyOf(json) })).toMatchObject({ expiresAt: future })
  const given = { ...main, expiresAt: '2101-01-01T00:00:00+01:00' }
  expect(await call('credentials.rotate', given, { body: bodyOf(json) })).toMatchObject({
    expiresAt: '2100-12-31T23:00:00.000Z',
  })
})

test('refuses what is no secret, and does not repeat it', async () => {
  const { call } = await opened()
  const bodies = [
    [''],
    ['planted value'],
    ['planted\nplanted'],
    ['planted'.repeat(10_000)],
    ['planted', Buffer.from([0xff])],
  ]
  for (const body of bodies) {
    const error: unknown = await call('credentials.add', hub, { body: bodyOf(...body) }).catch(
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({ code: 'CREDENTIALS_INVALID' })
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain('planted')
  }
  for (const input of [
    { ...hub, name: 'planted value' },
    { ...hub, service: 'planted' },
    { ...hub, expiresAt: 'planted' },
  ]) {
    // @ts-expect-error not all are inputs
    const error: unknown = await call('credentials.add', input, { body: bodyOf('x') }).catch(
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({ kind: 'invalid' })
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain('planted')
  }
  expect(await collect(await call('credentials.list', {}))).toEqual([])
})

test('a body without end is read no further than 65,536 bytes', async () => {
  const { call } = await opened()
  let sent = 0
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (; sent < 1000; sent += 1) yield new Uint8Array(1024)
  }
  await expect(call('credentials.add', hub, { body: endless() })).rejects.toThrow('more than 65536 bytes')
  expect(sent).toBe(64)
})

test('a token is made, shown once, listed and revoked', async () => {
  const { call, tokens } = await opened()
  const expiresAt = new Date(Date.now() + 86_400_000).toISOString()
  const input = { name: 'ci', scopes: 'pins, content:read', expiresAt }
  const { token, ...made } = await call('credentials.token-create', input)
  expect(made).toEqual({ name: 'ci', scopes: ['content:read', 'pins'], createdAt: iso, expiresAt })
  expect(tokens.verify(token)?.scopes).toEqual(['content:read', 'pins'])
  const listed = async () => await collect(await call('credentials.token-list', {}))
  expect(await listed()).toEqual([made])
  expect(await call('credentials.token-revoke', { name: 'ci' })).toEqual({ name: 'ci', revoked: true })
  expect(await call('credentials.token-revoke', { name: 'ci' })).toEqual({ name: 'ci', revoked: false })
  expect(await listed()).toEqual([{ ...made, revokedAt: iso }])
  expect(() => tokens.verify(token)).toThrow(/revoked/)
  await expect(call('credentials.token-create', { name: 'x', scopes: 'root' })).rejects.toMatchObject({
    code: 'CREDENTIALS_INVALID',
  })
})
