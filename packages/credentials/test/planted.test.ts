import { execFile } from 'node:child_process'
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { format, inspect, promisify } from 'node:util'
import { expect, test } from 'vitest'
import { temporaryFolder } from './folder.ts'
import { huggingface, opened, planted, s3 } from './store.ts'

/** Everything that shows an object when nobody meant it to. */
function shownOf(value: object): string[] {
  return [
    `${value as unknown as string}`,
    JSON.stringify(value),
    JSON.stringify({ value, list: [value] }),
    inspect(value, { depth: null, showHidden: true, getters: true, customInspect: true }),
    inspect(value, { depth: null, showHidden: true, getters: true, customInspect: false }),
    format('%s %o %O %j', value, value, value, value),
    Object.values(value).join(),
    Object.getOwnPropertyNames(value).join(),
    JSON.stringify(structuredClone({ ...value })),
    inspect(new Error('failed', { cause: value })),
  ]
}

test('a secret shows its value to nobody but who asks for it by reveal', async () => {
  const { credentials } = await opened({ env: { ID: s3.accessKeyId, KEY: s3.secretAccessKey } })
  await credentials.add({ name: 'main', service: 's3', fields: s3 })
  await credentials.add({ name: 'hub', service: 'huggingface', fields: huggingface })
  const secrets = [
    await credentials.resolve('credential:main', 's3'),
    await credentials.resolve('credential:hub', 'huggingface'),
    await credentials.resolve('env:ID,KEY', 's3'),
  ]
  for (const secret of secrets) {
    expect(String(secret)).toBe('[secret]')
    for (const shown of shownOf(secret)) for (const text of planted) expect(shown).not.toContain(text)
    expect(
      Object.values<string | undefined>(secret.reveal()).every((value) => planted.includes(value ?? '')),
    ).toBe(true)
    expect(Object.isFrozen(secret) && Object.isFrozen(secret.reveal())).toBe(true)
  }
  for (const text of planted) {
    for (const shown of shownOf(credentials)) expect(shown).not.toContain(text)
    expect(JSON.stringify(await credentials.list())).not.toContain(text)
  }
})

test('no secret and no key is in what a process says when it dies, nor in its diagnostic report', async () => {
  const { path, credentials, keyFile } = await opened()
  await credentials.add({ name: 'main', service: 's3', fields: s3 })
  const reports = await temporaryFolder()
  const script = fileURLToPath(new URL('./dying.ts', import.meta.url))
  const args = [
    '--conditions=@ipfs-kit/source',
    '--report-uncaught-exception',
    `--report-directory=${reports}`,
    script,
    path,
  ]
  const died = (await promisify(execFile)(process.execPath, args).catch((error: unknown) => error)) as {
    stdout: string
    stderr: string
  }
  const names = await readdir(reports)
  expect(names).toHaveLength(1)
  const report = await readFile(join(reports, names[0]!), 'utf8')
  // Both tell of the error, so they have been looked at.
  expect(died.stderr).toContain('died with main')
  expect(report).toContain('died with main')
  const key = (await readFile(keyFile, 'utf8')).trim().split('\n').at(-1)!
  for (const text of [...Object.values(s3), key]) {
    expect(died.stdout + died.stderr + report).not.toContain(text)
  }
})

test('no error on the way to a secret shows one, with all that it carries', async () => {
  const { credentials, file, keyFile } = await opened({ env: { BAD: `${s3.secretAccessKey} ` } })
  await credentials.add({ name: 'main', service: 's3', fields: s3 })
  const key = (await readFile(keyFile, 'utf8')).trim().split('\n').at(-1)!
  const whole = await readFile(file)
  const fields = { ...s3, secretAccessKey: `${s3.secretAccessKey}\n` }
  const spoilt = Buffer.from(whole).fill(0, whole.length - 20)
  const failing = [
    () => credentials.add({ name: 'main', service: 's3', fields: s3 }),
    () => credentials.add({ name: 'other', service: 's3', fields }),
    () => credentials.rotate({ name: 'main', service: 's3', fields }),
    () => credentials.rotate({ name: 'main', service: 'huggingface', fields: huggingface }),
    // In the place of the name.
    () => credentials.add({ name: s3.secretAccessKey, service: 's3', fields: s3 }),
    () => credentials.remove(s3.secretAccessKey),
    () => credentials.resolve(s3.secretAccessKey, 's3'),
    () => credentials.resolve(`credential:${s3.secretAccessKey}`, 's3'),
    () => credentials.resolve(`env:${s3.secretAccessKey}`, 's3'),
    () => credentials.resolve(`command:${s3.secretAccessKey}`, 's3'),
    () => credentials.resolve('env:BAD', 'huggingface'),
    () => credentials.resolve('env:BAD,BAD', 's3'),
    () => credentials.resolve('credential:main', 'huggingface'),
    () => writeFile(file, spoilt).then(() => credentials.list()),
    () => writeFile(file, whole).then(() => writeFile(keyFile, `${key}X`).then(() => credentials.list())),
    () => writeFile(keyFile, `${key}\n${key}`).then(() => credentials.list()),
  ]
  for (const call of failing) {
    const error: unknown = await call().then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({ name: 'CredentialsError' })
    const shown = shownOf(error as Error).join('\n') + String((error as Error).stack)
    for (const text of [...planted, key]) expect(shown).not.toContain(text)
  }
})
