import { once } from 'node:events'
import { Readable } from 'node:stream'
import { type AnyOperation, operation } from '@ipfs-kit/operations'
import { addCommands } from '@ipfs-kit/operations/cli'
import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { jsonLines, run, table } from './cli-fixture.ts'

describe('command lines', () => {
  test('required keys are arguments and the others options', async () => {
    const { code, stdout } = await run([
      'things',
      'echo',
      'box',
      '--max-bytes',
      '20',
      '--ratio',
      '-0.5',
      '--deep',
      '--no-verify',
    ])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      name: 'box',
      maxBytes: 20,
      ratio: -0.5,
      color: 'red',
      deep: true,
      verify: false,
    })
  })

  test('what is not given is left to the defaults of the schema', async () => {
    const { stdout } = await run(['things', 'echo', 'box'])
    expect(JSON.parse(stdout)).toEqual({ name: 'box', maxBytes: 10, color: 'red', deep: false, verify: true })
  })

  test('a command may have a name and arguments of its own', async () => {
    expect(await run(['two', 'a', '3'])).toMatchObject({ code: 0, stdout: 'a and 3\n' })
    expect(await run(['two', 'a'])).toMatchObject({ code: 0, stdout: 'a and 7\n' })
    // What would steer the terminal is shown, not sent.
    expect(await run(['two', '\u001B[31m\r'])).toMatchObject({ code: 0, stdout: '\\x1b[31m\\x0d and 7\n' })
    const unknown = await run(['\u001B[31m'])
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining("'\\x1b[31m'") })
    expect(unknown.stderr).not.toContain('\u001B')
  })

  test('an entry without the door cli is no command', async () => {
    expect(await run(['things', 'hidden'])).toMatchObject({ code: 2, stdout: '' })
  })

  test('options of the program are taken at every place and handed to connect', async () => {
    for (const args of [
      ['--home', '/h', 'two', 'a'],
      ['two', '--home', '/h', 'a'],
      ['two', 'a', '--home', '/h'],
    ]) {
      const events: string[] = []
      await run(args, { events })
      expect(events).toEqual(['connect {"home":"/h"}', 'release', 'close'])
    }
  })

  test('help names the descriptions, choices, defaults and options of the program', async () => {
    const { code, stdout, stderr } = await run(['things', 'echo', '--help'])
    expect(code).toBe(0)
    expect(stderr).toBe('')
    const text = stdout.replace(/\s+/g, ' ')
    for (const part of [
      'Answer the input',
      '<name>',
      'name of the thing',
      '--max-bytes <number> bytes at most (default: 10)',
      'its color (choices: "red", "blue", default: "red")',
      '--deep go down',
      '--no-verify do not: check it',
      '--home <path>',
    ]) {
      expect(text).toContain(part)
    }
  })

  test('help of the program lists a group with its commands', async () => {
    const { stdout } = await run(['--help'])
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      'things echo, fail, check, wait, list, put, cat, get, report',
    )
  })

  test.each([
    ['an unknown command', ['thinks'], 'unknown command'],
    ['an unknown option', ['two', 'a', '--no-such'], 'unknown option'],
    ['a missing argument', ['two'], "missing required argument 'first'"],
    ['too many arguments', ['two', 'a', '1', '2'], 'too many arguments'],
    [
      'a number that is none',
      ['things', 'echo', 'x', '--max-bytes', 'ten'],
      '--max-bytes: Invalid input: expected number',
    ],
    ['a number outside its bounds', ['things', 'echo', 'x', '--max-bytes', '101'], '--max-bytes: Too big'],
    ['an argument that does not fit', ['two', 'a', 'b'], '<second>: Invalid input'],
    ['a choice that is none', ['things', 'echo', 'x', '--color', 'green'], 'Allowed choices are red, blue'],
  ])('%s ends with 2 and connects nothing', async (_title, args, message) => {
    const events: string[] = []
    const { code, stdout, stderr } = await run(args, { events })
    expect({ code, stdout, events }).toEqual({ code: 2, stdout: '', events: [] })
    expect(stderr).toMatch(/^error: .*\n[^]*  COMMAND_USAGE — See the command with --help\.\n$/)
    expect(stderr).toContain(message)
  })

  test('a group without a command shows its help on standard error and ends with 2', async () => {
    const { code, stdout, stderr } = await run(['things'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('Usage: kit things')
    expect(stderr).not.toContain('error:')
  })
})

describe('answers', () => {
  test('a value is one line of JSON with --json', async () => {
    expect(await run(['two', 'a', '--json'])).toMatchObject({
      stdout: '{"first":"a","second":7}\n',
      stderr: '',
    })
  })

  test('lines are printed by the text of the entry, or not at all', async () => {
    expect(await run(['things', 'list', '4'])).toMatchObject({
      code: 0,
      stdout: 'number 0\nnumber 2\n',
      stderr: '',
    })
  })

  test('each line is one line of JSON with --json', async () => {
    const { stdout } = await run(['things', 'list', '3', '--json'])
    expect(jsonLines(stdout)).toEqual([{ number: 0 }, { number: 1 }, { number: 2 }])
  })

  test('standard input is sent as body', async () => {
    expect((await run(['things', 'put', '--json'], { stdin: 'four' })).stdout).toBe('{"bytes":4}\n')
    expect((await run(['things', 'put', '-', '--json'], { stdin: 'four' })).stdout).toBe('{"bytes":4}\n')
  })
})

describe('exit codes', () => {
  test.each([
    ['invalid', 2],
    ['unauthenticated', 4],
    ['forbidden', 4],
    ['not-found', 3],
    ['conflict', 1],
    ['too-large', 7],
    ['full', 7],
    ['media-type', 2],
    ['range', 2],
    ['corrupt-input', 8],
    ['integrity', 8],
    ['temporary', 5],
    ['cancelled', 130],
    ['internal', 1],
  ])('a fault of kind %s ends with %i', async (kind, code) => {
    expect(await run(['things', 'fail', kind])).toEqual({
      code,
      stdout: '',
      stderr: `error: This is ${kind}\n  THING_FAILED — Do that.\n`,
      bytes: Buffer.alloc(0),
    })
  })

  test.each([
    ['nothing', 0],
    ['partial', 6],
    ['integrity', 8],
    ['internal', 1],
  ])('an answer that tells of %s is printed, and the command ends with %i', async (found, code) => {
    const { stdout, stderr, ...ended } = await run(['things', 'check', found, '--json'])
    expect({ code: ended.code, stdout, stderr }).toEqual({
      code,
      stdout: `{"found":"${found}"}\n`,
      stderr: '',
    })
  })

  test('with --json the error is one line on standard error', async () => {
    const { code, stdout, stderr } = await run(['things', 'fail', 'temporary', '--json'])
    expect({ code, stdout }).toEqual({ code: 5, stdout: '' })
    expect(jsonLines(stderr)).toEqual([
      {
        error: {
          code: 'THING_FAILED',
          kind: 'temporary',
          message: 'This is temporary',
          next: 'Do that.',
          retryable: true,
        },
      },
    ])
  })

  test('a wrong command line with --json is an error in JSON too', async () => {
    const { code, stderr } = await run(['two', '--json'])
    expect(code).toBe(2)
    expect(jsonLines(stderr)).toMatchObject([{ error: { code: 'COMMAND_USAGE', retryable: false } }])
  })

  test('an unexpected error has its cause on standard error, which is the only log of a command', async () => {
    const { code, stdout, stderr } = await run(['things', 'fail', 'defect'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/OPERATION_INTERNAL[^]*Error: a secret of this machine\n {4}at /)
    const json = await run(['things', 'fail', 'defect', '--json'])
    expect(JSON.parse(json.stderr)).toMatchObject({
      error: { code: 'OPERATION_INTERNAL', cause: expect.stringContaining('a secret') as string },
    })
  })

  test('a cancelled command ends with 130 and closes its connection', async () => {
    const events: string[] = []
    const cancel = new AbortController()
    const answer = run(['things', 'wait'], { signal: cancel.signal, events })
    await new Promise((resolve) => setImmediate(resolve))
    cancel.abort(new Error('SIGINT'))
    expect(await answer).toMatchObject({
      code: 130,
      stderr: expect.stringContaining('OPERATION_CANCELLED') as string,
    })
    expect(events).toEqual(['connect {}', 'release', 'close'])
  })

  test.each([
    ['without a body', ['things', 'wait']],
    ['with standard input as body', ['things', 'put']],
    ['with a file as body', ['things', 'put', import.meta.filename]],
    ['with standard input among files', ['add', '-']],
  ])('a command that is connecting is cancelled too: %s', async (_title, args) => {
    const cancel = new AbortController()
    const connecting = async (signal: AbortSignal) => {
      setImmediate(() => cancel.abort())
      await once(signal, 'abort')
      signal.throwIfAborted()
    }
    expect(await run(args, { signal: cancel.signal, connecting })).toMatchObject({ code: 130 })
  })

  test('a command that waits for standard input is cancelled too', async () => {
    const cancel = new AbortController()
    const answer = run(['things', 'put'], { signal: cancel.signal, stdin: new Readable({ read() {} }) })
    await new Promise((resolve) => setImmediate(resolve))
    cancel.abort()
    expect(await answer).toMatchObject({ code: 130 })
  })
})

describe('tables that make no commands', () => {
  const base = {
    summary: 'Do it',
    parts: [],
    output: z.any(),
    body: 'none',
    returns: 'value',
    effect: 'read',
    scope: 'content:read',
    doors: ['cli'],
    run: async () => ({}),
  } as const
  const input = z.object({})

  test.each<[string, AnyOperation[]]>([
    ['two commands of one name', [table[1] as AnyOperation, table[1] as AnyOperation]],
    [
      'a command that is a group too',
      [
        operation<object>()({ ...base, name: 'a.b', input, command: { name: 'pin' } }),
        operation<object>()({ ...base, name: 'pin.add', input }),
      ],
    ],
    [
      'an option of the program',
      [operation<object>()({ ...base, name: 'a.b', input: z.object({ json: z.boolean().default(false) }) })],
    ],
    [
      'an option that reads as its opposite',
      [
        operation<object>()({
          ...base,
          name: 'a.b',
          input: z.object({ noCopy: z.boolean().default(false) }),
        }),
      ],
    ],
    [
      'a required argument after an optional one',
      [
        operation<object>()({
          ...base,
          name: 'a.b',
          input: z.object({ a: z.string().optional(), b: z.string() }),
          command: { name: 'c', arguments: ['a', 'b'] },
        }),
      ],
    ],
  ])('%s is a TypeError', (_title, operations) => {
    expect(() =>
      addCommands(new Command().option('--json'), {
        operations,
        streams: { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr },
        connect: () => Promise.reject(new Error('not called')),
      }),
    ).toThrow(TypeError)
  })
})
