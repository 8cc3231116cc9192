import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { coded, huggingface, opened, s3 } from './store.ts'

/** A command that runs a program of Node's. */
function command(program: string): string {
  return `command:${JSON.stringify([process.execPath, '-e', program])}`
}

function printing(text: string): string {
  return command(`process.stdout.write(${JSON.stringify(text)})`)
}

test.each([
  '',
  'main',
  'credential:',
  'credential:A',
  'credential:../x',
  'credential:a\n',
  'env:',
  'env:1A',
  'env:A,',
  'env:A B',
  'env:A=planted',
  'ENV:A',
  'command:',
  'command:planted --flag',
  'command:[]',
  'command:[""]',
  'command:["a", 5]',
  'command:["a\\u0000"]',
  'command:{"a":"planted"}',
  `command:${JSON.stringify(Array.from({ length: 65 }, () => 'a'))}`,
  `env:${'A'.repeat(10_000)}`,
  ' env:A',
  'hf_planted',
])('refuses the reference %j, and does not repeat it', async (reference) => {
  const { credentials } = await opened({ env: {} })
  const error: unknown = await credentials
    .resolve(reference, 'huggingface')
    .catch((thrown: unknown) => thrown)
  expect(error).toEqual(coded('CREDENTIALS_REFERENCE'))
  expect(inspect(error, { depth: null, showHidden: true })).not.toContain('planted')
})

describe('env:', () => {
  test('gives the variables to the fields in their order', async () => {
    const env = {
      ID: s3.accessKeyId,
      KEY: s3.secretAccessKey,
      SESSION: s3.sessionToken,
      TOKEN: huggingface.token,
    }
    const { credentials } = await opened({ env })
    expect((await credentials.resolve('env:ID,KEY,SESSION', 's3')).reveal()).toEqual(s3)
    const { accessKeyId, secretAccessKey } = s3
    expect((await credentials.resolve('env:ID,KEY', 's3')).reveal()).toEqual({ accessKeyId, secretAccessKey })
    expect((await credentials.resolve('env:TOKEN', 'huggingface')).reveal()).toEqual(huggingface)
  })

  test('takes an empty variable for no session, and for no key', async () => {
    const { credentials } = await opened({ env: { ID: 'id', KEY: 'key', EMPTY: '' } })
    expect((await credentials.resolve('env:ID,KEY,EMPTY', 's3')).reveal()).toEqual({
      accessKeyId: 'id',
      secretAccessKey: 'key',
    })
    await expect(credentials.resolve('env:ID,EMPTY', 's3')).rejects.toEqual(coded('CREDENTIALS_INVALID'))
    await expect(credentials.resolve('env:ID', 's3')).rejects.toThrow('needs secretAccessKey')
    await expect(credentials.resolve('env:ID,KEY', 'huggingface')).rejects.toEqual(
      coded('CREDENTIALS_INVALID'),
    )
  })

  test('names a variable that is not set', async () => {
    const { credentials } = await opened({ env: {} })
    await expect(credentials.resolve('env:NONE', 'huggingface')).rejects.toThrow('variable NONE is not set')
  })

  test('reads the environment of the process if no other is given', async () => {
    const { credentials } = await opened()
    process.env['IPFS_KIT_TEST_TOKEN'] = huggingface.token
    try {
      const secret = await credentials.resolve('env:IPFS_KIT_TEST_TOKEN', 'huggingface')
      expect(secret.reveal()).toEqual(huggingface)
    } finally {
      delete process.env['IPFS_KIT_TEST_TOKEN']
    }
  })
})

describe('command:', () => {
  test('takes what the program prints, a line for each field', async () => {
    const { credentials } = await opened()
    expect((await credentials.resolve(printing(`${huggingface.token}\n`), 'huggingface')).reveal()).toEqual(
      huggingface,
    )
    const lines = `${s3.accessKeyId}\r\n${s3.secretAccessKey}\r\n${s3.sessionToken}`
    expect((await credentials.resolve(printing(lines), 's3')).reveal()).toEqual(s3)
  })

  test('takes the JSON of the AWS tools for s3, with its expiry', async () => {
    let time = Date.parse('2026-01-01T00:00:00Z')
    const { credentials } = await opened({ clock: () => time })
    const printed = printing(
      JSON.stringify({
        Version: 1,
        AccessKeyId: s3.accessKeyId,
        SecretAccessKey: s3.secretAccessKey,
        SessionToken: s3.sessionToken,
        Expiration: '2026-01-01T01:00:00+00:00',
      }),
    )
    const secret = await credentials.resolve(printed, 's3')
    expect(secret.reveal()).toEqual(s3)
    expect(secret.expiresAt).toBe(Date.parse('2026-01-01T01:00:00Z'))
    time = secret.expiresAt!
    await expect(credentials.resolve(printed, 's3')).rejects.toEqual(coded('CREDENTIALS_EXPIRED'))
  })

  test.each(['{', '{}', '{"Version":2,"AccessKeyId":"planted","SecretAccessKey":"planted"}', '{planted}'])(
    'refuses %s as the JSON of s3, and does not repeat it',
    async (text) => {
      const { credentials } = await opened()
      const error: unknown = await credentials
        .resolve(printing(text), 's3')
        .catch((thrown: unknown) => thrown)
      expect(error).toEqual(coded('CREDENTIALS_INVALID'))
      expect(inspect(error, { depth: null, showHidden: true })).not.toContain('planted')
    },
  )

  test('runs no shell, and gives the program no input', async () => {
    const { credentials } = await opened()
    const echo = 'command:["printf", "%s", "$HOME;`id`|&"]'
    await expect(credentials.resolve(echo, 'huggingface')).resolves.toMatchObject({})
    expect((await credentials.resolve(echo, 'huggingface')).reveal()).toEqual({ token: '$HOME;`id`|&' })
    const reading = command(
      'process.stdin.on("data", () => {}).on("end", () => process.stdout.write("ended"))',
    )
    expect((await credentials.resolve(reading, 'huggingface')).reveal()).toEqual({ token: 'ended' })
  })

  test('tells how a program failed, and nothing that it printed', async () => {
    const { credentials } = await opened()
    const cases = [
      [
        command('console.log("planted"); console.error("planted"); process.exitCode = 3'),
        /ended with code 3/,
      ],
      [command('console.log("planted"); process.kill(process.pid, "SIGTERM")'), /ended with signal SIGTERM/],
      [command('process.stdout.write("planted".repeat(20_000))'), /printed more than 65536 bytes/],
      [
        command('for (;;) require("fs").writeSync(1, "planted".repeat(1000))'),
        /printed more than 65536 bytes/,
      ],
      ['command:["/nowhere/program"]', /"\/nowhere\/program" cannot be started: ENOENT/],
      ['command:["/"]', /cannot be started: EACCES/],
    ] as const
    for (const [reference, message] of cases) {
      const error: unknown = await credentials
        .resolve(reference, 'huggingface')
        .catch((thrown: unknown) => thrown)
      expect(error).toEqual(coded('CREDENTIALS_COMMAND'))
      expect(String(error)).toMatch(message)
      expect(inspect(error, { depth: null, showHidden: true })).not.toContain('planted')
    }
  })

  test('is killed when its time is up', async () => {
    const { outputOf } = await import('../src/command.ts')
    const stubborn = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)'
    const argv = [process.execPath, '-e', stubborn] as const
    await expect(outputOf([...argv], { timeoutMs: 50, maxBytes: 10 }, undefined)).rejects.toThrow(
      'ran for more than 0.05 seconds',
    )
  })

  test('is killed when the caller gives up, whose reason passes through', async () => {
    const { credentials } = await opened()
    const ending = new AbortController()
    const reason = new Error('enough')
    const resolving = credentials.resolve('command:["sleep", "60"]', 'huggingface', { signal: ending.signal })
    ending.abort(reason)
    await expect(resolving).rejects.toBe(reason)
  })
})
