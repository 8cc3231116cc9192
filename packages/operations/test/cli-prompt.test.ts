import { PassThrough, Writable } from 'node:stream'
import { createCaller, operation } from '@ipfs-kit/operations'
import { addCommands, runProgram } from '@ipfs-kit/operations/cli'
import { Command } from 'commander'
import { expect, test } from 'vitest'
import { z } from 'zod'

const keep = operation<object>()({
  name: 'things.keep',
  summary: 'Take a secret',
  parts: [],
  input: z.object({ name: z.string(), lines: z.int().default(1) }),
  output: z.string(),
  body: 'bytes',
  returns: 'value',
  effect: 'write',
  scope: 'admin',
  doors: ['cli'],
  command: {
    name: 'keep',
    secretLines: ({ lines }) => Array.from({ length: Number(lines ?? 1) }, (_, index) => `Line ${index + 1}`),
  },
  run: async (_parts, _input, _context, body) => {
    let text = ''
    for await (const piece of body) text += Buffer.from(piece).toString()
    return text
  },
})

/** A terminal without a screen: what is typed goes in, and in raw mode nothing of it comes out. */
class Terminal extends PassThrough {
  readonly isTTY = true
  readonly modes: boolean[] = []
  setRawMode(raw: boolean): this {
    this.modes.push(raw)
    return this
  }
}

class Screen extends Writable {
  text = ''
  override _write(piece: Buffer, _encoding: string, done: () => void): void {
    this.text += piece.toString()
    done()
  }
}

interface Begun {
  readonly ended: Promise<number>
  readonly stdout: Screen
  readonly stderr: Screen
}

function begin(args: readonly string[], stdin: PassThrough, signal?: AbortSignal): Begun {
  const [stdout, stderr] = [new Screen(), new Screen()]
  const program = new Command('test')
  const caller = createCaller({
    operations: [keep],
    borrow: () => ({ parts: {}, signal: new AbortController().signal, release() {} }),
  })
  addCommands(program, {
    operations: [keep],
    connect: async () => ({ caller, close: async () => {} }),
    streams: { stdin, stdout, stderr },
    ...(signal === undefined ? {} : { signal }),
  })
  return { ended: runProgram(program, args), stdout, stderr }
}

test('is asked for line by line at a terminal, without echo', async () => {
  const terminal = new Terminal()
  const { ended, stdout, stderr } = begin(['keep', 'a', '--lines', '2'], terminal)
  for (const typed of ['fi', 'rst\r', 'second', '\r']) terminal.write(typed)
  expect(await ended).toBe(0)
  expect(stdout.text).toBe('"first\\nsecond"\n')
  expect(stderr.text).toBe('Line 1: \nLine 2: \n')
  expect(terminal.modes).toEqual([true, false])
})

test.each([
  ['ab\x7f\x7fcd\r', 'cd'],
  ['\x7fa\bü\r', 'ü'],
  ['a🔑\x7fb\r', 'ab'],
  ['a\x1b[D\x1b[1;5Cb\tc\r', 'abc'],
  ['a\r\nignored', 'a'],
])('takes what was typed as %j for its line', async (typed, line) => {
  const terminal = new Terminal()
  const { ended, stdout } = begin(['keep', 'a'], terminal)
  terminal.write(typed)
  expect(await ended).toBe(0)
  expect(JSON.parse(stdout.text)).toBe(line)
})

test('takes lines that were pasted at once, each for its question, and characters that arrive in pieces', async () => {
  const terminal = new Terminal()
  const { ended, stdout } = begin(['keep', 'a', '--lines', '3'], terminal)
  const bytes = Buffer.from('one\r\ntwo\rthré\r')
  for (const byte of bytes) terminal.write(Buffer.of(byte === 0x0a ? 0x20 : byte))
  expect(await ended).toBe(0)
  expect(JSON.parse(stdout.text)).toBe('one\n two\nthré')
  const pasted = new Terminal()
  const second = begin(['keep', 'a', '--lines', '3'], pasted)
  pasted.write('one\r\ntwo\rthree\n')
  expect(await second.ended).toBe(0)
  expect(JSON.parse(second.stdout.text)).toBe('one\ntwo\nthree')
})

test.each(['\x03', 'half\x03', '\x04'])('ends with %j, and lets go of the terminal', async (typed) => {
  const terminal = new Terminal()
  const { ended, stdout, stderr } = begin(['keep', 'a'], terminal)
  terminal.write(typed)
  expect(await ended).toBe(130)
  expect(stdout.text).toBe('')
  expect(stderr.text).toContain('Nothing was entered')
  expect(stderr.text).not.toContain('half')
  expect(terminal.modes).toEqual([true, false])
})

test('ends when the terminal goes, and when the command is cancelled', async () => {
  const gone = new Terminal()
  const first = begin(['keep', 'a'], gone)
  gone.end()
  expect(await first.ended).toBe(130)
  const ending = new AbortController()
  const terminal = new Terminal()
  const second = begin(['keep', 'a'], terminal, ending.signal)
  ending.abort()
  expect(await second.ended).toBe(130)
  expect(terminal.modes).toEqual([true, false])
})

test('is told of by the help of its command', async () => {
  const { ended, stdout } = begin(['keep', '--help'], new PassThrough())
  expect(await ended).toBe(0)
  expect(stdout.text).toContain('The secret comes from standard input')
})

test('comes from standard input that is no terminal as it is, and never from an argument', async () => {
  const pipe = new PassThrough()
  const { ended, stdout } = begin(['keep', 'a'], pipe)
  pipe.end('from\na pipe\n')
  expect(await ended).toBe(0)
  expect(JSON.parse(stdout.text)).toBe('from\na pipe\n')
  for (const typed of ['hunter2', '--secret=hunter2', '-phunter2', '-']) {
    const argument = begin(['keep', 'a', typed], new PassThrough())
    expect(await argument.ended).toBe(2)
    expect(argument.stderr.text).toContain('A secret comes from standard input')
    expect(argument.stdout.text + argument.stderr.text).not.toContain('hunter2')
  }
})
