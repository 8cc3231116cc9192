/** A small table and a program around it, for the tests of the commands. */
import { Readable, Writable } from 'node:stream'
import {
  type AnyOperation,
  createCaller,
  EntryReadError,
  type FaultKind,
  operation,
  type Progress,
} from '@ipfs-kit/operations'
import { addCommands, type CommandStreams, runProgram } from '@ipfs-kit/operations/cli'
import { Command } from 'commander'
import { z } from 'zod'

/** What the operations of the table are lent. */
export interface Parts {
  /** Body and media type of `things get`. */
  readonly archive?: () => AsyncIterable<Uint8Array>
  /** Sent by `things report`, one after the other. */
  readonly reports?: readonly Progress[]
  /** Called before each report. */
  readonly tick?: (index: number) => void
}

type Slice = { readonly things: Parts }

const value = {
  parts: ['things'],
  output: z.any(),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
} as const

const echo = operation<Slice>()({
  ...value,
  name: 'things.echo',
  summary: 'Answer the input',
  input: z.object({
    name: z.string().describe('name of the thing'),
    maxBytes: z.int().min(1).max(100).default(10).describe('bytes at most'),
    ratio: z.number().optional(),
    color: z.enum(['red', 'blue']).default('red').describe('its color'),
    deep: z.boolean().default(false).describe('go down'),
    verify: z.boolean().default(true).describe('check it'),
  }),
  run: async (_parts, input) => input,
})

const two = operation<Slice>()({
  ...value,
  name: 'things.two',
  summary: 'Take optional arguments',
  input: z.object({ first: z.string(), second: z.int().default(7) }),
  command: { name: 'two', arguments: ['first', 'second'] },
  text: (input: { first: string; second: number }) => `${input.first} and ${input.second}`,
  run: async (_parts, input) => input,
})

const fail = operation<Slice>()({
  ...value,
  name: 'things.fail',
  summary: 'Fail with a kind',
  input: z.object({ kind: z.string() }),
  run: async (_parts, { kind }) => {
    if (kind === 'defect') throw new Error('a secret of this machine')
    throw Object.assign(new Error(`This is ${kind}`), {
      code: 'THING_FAILED',
      kind: kind as FaultKind,
      next: 'Do that.',
    })
  },
})

const check = operation<Slice>()({
  ...value,
  name: 'things.check',
  summary: 'Answer what was found',
  input: z.object({ found: z.enum(['nothing', 'partial', 'integrity', 'internal']) }),
  output: z.object({ found: z.enum(['nothing', 'partial', 'integrity', 'internal']) }),
  outcome: ({ found }) => (found === 'nothing' ? undefined : found),
  run: async (_parts, input) => input,
})

const wait = operation<Slice>()({
  ...value,
  name: 'things.wait',
  summary: 'Wait until cancelled',
  input: z.object({}),
  run: async (_parts, _input, { signal, progress }) => {
    progress({ stage: 'waiting', bytes: 0 })
    await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  },
})

const list = operation<Slice>()({
  ...value,
  name: 'things.list',
  summary: 'List numbers',
  input: z.object({ count: z.int() }),
  returns: 'lines',
  text: ({ number }: { number: number }) => (number % 2 === 0 ? `number ${number}` : undefined),
  run: async function* (_parts, { count }) {
    for (let number = 0; number < count; number++) yield { number }
  },
})

const add = operation<Slice>()({
  ...value,
  name: 'things.add',
  summary: 'Add files',
  effect: 'write',
  input: z.object({ label: z.string().optional() }),
  body: 'files',
  returns: 'lines',
  doors: ['cli'],
  command: { name: 'add' },
  run: async function* (_parts, _input, _context, body) {
    const summary = { bytes: 0, items: 0, failed: 0 }
    for await (const { path, content, failed } of body) {
      try {
        if (failed !== undefined) throw new EntryReadError(failed.code, failed.message)
        let bytes = 0
        if (content instanceof Uint8Array) bytes = content.byteLength
        else if (content !== undefined) for await (const piece of content) bytes += piece.byteLength
        summary.items += 1
        summary.bytes += bytes
        yield { path, bytes }
      } catch (error) {
        if (!(error instanceof EntryReadError)) throw error
        summary.failed += 1
        yield { path, failed: { code: error.code, message: error.message } }
      }
    }
    yield summary
  },
})

const put = operation<Slice>()({
  ...value,
  name: 'things.put',
  summary: 'Count the bytes of a file',
  input: z.object({}),
  body: 'bytes',
  doors: ['cli'],
  run: async (_parts, _input, _context, body) => {
    let bytes = 0
    for await (const piece of body) bytes += piece.byteLength
    return { bytes }
  },
})

const cat = operation<Slice>()({
  ...value,
  name: 'things.cat',
  summary: 'Write bytes',
  input: z.object({ size: z.int(), breakAt: z.int().optional() }),
  returns: 'bytes',
  doors: ['cli'],
  run: async (_parts, { size, breakAt }) => ({
    mediaType: 'application/octet-stream',
    size,
    body: (async function* () {
      for (let at = 0; at < size; at += 65_536) {
        if (breakAt !== undefined && at >= breakAt) throw Object.assign(new Error('It broke'), broken)
        yield Buffer.alloc(Math.min(65_536, size - at), 'x')
      }
    })(),
  }),
})

const broken = { code: 'THING_BROKEN', kind: 'integrity', next: 'Repair it.' }

const get = operation<Slice>()({
  ...value,
  name: 'things.get',
  summary: 'Get an archive',
  input: z.object({}),
  returns: 'bytes',
  doors: ['cli'],
  run: async ({ things }) => ({ mediaType: 'application/x-tar', body: things.archive?.() ?? empty() }),
})

async function* empty(): AsyncGenerator<Uint8Array> {}

const report = operation<Slice>()({
  ...value,
  name: 'things.report',
  summary: 'Report progress',
  input: z.object({}),
  returns: 'lines',
  run: async function* ({ things }, _input, { progress }) {
    for (const [index, done] of (things.reports ?? []).entries()) {
      things.tick?.(index)
      progress(done)
      yield { index }
    }
    things.tick?.(things.reports?.length ?? 0)
  },
})

const hidden = operation<Slice>()({
  ...value,
  name: 'things.hidden',
  summary: 'Be a tool only',
  input: z.object({}),
  doors: ['mcp'],
  run: async () => ({}),
})

export const table: readonly AnyOperation[] = [
  echo,
  two,
  fail,
  check,
  wait,
  list,
  add,
  put,
  cat,
  get,
  report,
  hidden,
]

/** How a test runs a program. */
export interface RunOptions {
  readonly operations?: readonly AnyOperation[]
  readonly parts?: Parts
  readonly stdin?: string | Readable
  readonly cwd?: string
  readonly signal?: AbortSignal
  readonly clock?: () => number
  /** Streams that say they are terminals. */
  readonly terminals?: readonly ('stdout' | 'stderr')[]
  /** What connecting waits for. */
  readonly connecting?: (signal: AbortSignal) => Promise<void>
  /** Hears what is connected and closed. */
  readonly events?: string[]
}

/** Makes the program of the fixture. */
export function createProgram(
  streams: CommandStreams,
  options: Omit<RunOptions, 'stdin' | 'terminals'> = {},
): Command {
  const { operations = table, parts = {}, events = [], cwd, signal, clock } = options
  const program = new Command('kit')
    .option('--home <path>', 'home')
    .option('--json', 'JSON')
    .option('--wait <seconds>')
  addCommands(program, {
    operations,
    streams,
    ...(cwd === undefined ? {} : { cwd }),
    ...(signal === undefined ? {} : { signal }),
    ...(clock === undefined ? {} : { clock }),
    connect: async (globals, context) => {
      events.push(`connect ${JSON.stringify(globals)}`)
      await options.connecting?.(context.signal)
      const caller = createCaller({
        operations,
        borrow: () => ({
          parts: { things: parts },
          signal: new AbortController().signal,
          release: () => events.push('release'),
        }),
      })
      return {
        caller,
        close: async () => {
          events.push('close')
        },
      }
    },
  })
  return program
}

/** Runs a command line in this process. */
export async function run(args: readonly string[], options: RunOptions = {}) {
  const stdout = new Collector(options.terminals?.includes('stdout') === true)
  const stderr = new Collector(options.terminals?.includes('stderr') === true)
  const stdin =
    options.stdin instanceof Readable ? options.stdin : Readable.from([Buffer.from(options.stdin ?? '')])
  const code = await runProgram(createProgram({ stdin, stdout, stderr }, options), args)
  return { code, stdout: stdout.text, stderr: stderr.text, bytes: stdout.bytes }
}

/** Everything that an iterable gives. */
export async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const taken: T[] = []
  for await (const value of values) taken.push(value)
  return taken
}

/** The lines of a JSON output. */
export function jsonLines(text: string): unknown[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown)
}

class Collector extends Writable {
  readonly isTTY: boolean
  readonly columns = 60
  readonly #pieces: Buffer[] = []

  constructor(isTerminal: boolean) {
    super({ highWaterMark: 1_000 })
    this.isTTY = isTerminal
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#pieces)
  }

  get text(): string {
    return this.bytes.toString()
  }

  override _write(piece: Buffer, _encoding: string, done: () => void): void {
    this.#pieces.push(piece)
    setImmediate(done)
  }
}
