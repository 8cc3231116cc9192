/** Runs the command of one entry: sends the body, calls, and writes the answer. */
import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { addAbortSignal, type Readable } from 'node:stream'
import { type Resume, suspend } from '@ipfs-kit/concurrency'
import type { CallOptions, Caller } from './call.ts'
import { type AnswerWriter, outcomeExitCode, partialExitCode, writeLine } from './cli-answer.ts'
import { writeBytes } from './cli-bytes.ts'
import { CommandError, isSystemError, systemMessage } from './cli-errors.ts'
import { type Outlet, ReaderGone } from './cli-outlet.ts'
import { printable } from './cli-printable.ts'
import { createProgressDisplay } from './cli-progress.ts'
import { isTerminal, promptLines } from './cli-prompt.ts'
import { walkFiles } from './cli-walk.ts'
import type { AnyOperation, BytesResult, Outcome, Progress } from './operation.ts'

/** A caller for the time of one command. */
export interface ConnectedCaller {
  readonly caller: Caller
  close(): Promise<void>
}

/** What the commands share. */
export interface CallSurroundings {
  readonly stdin: Readable
  readonly stdout: Outlet
  readonly stderr: Outlet
  /** Folder that relative paths start from. */
  readonly cwd: string
  readonly clock: () => number
  /** Cancels the command. */
  readonly signal: AbortSignal
}

/** One command line, read. */
export interface CommandLine {
  readonly entry: AnyOperation
  readonly input: Record<string, unknown>
  /** Paths of the body: files and folders, or one file. */
  readonly paths: readonly string[]
  /** Folder that is never sent. */
  readonly home: string | undefined
  readonly json: boolean
  readonly output: string | undefined
  readonly force: boolean
}

/**
 * Calls the operation of a command line and writes its answer.
 *
 * @returns the exit code: 0, 1 when every item failed, 6 when some did; or that of the outcome of a value
 */
export async function runCall(
  line: CommandLine,
  surroundings: CallSurroundings,
  connect: (signal: AbortSignal) => Promise<ConnectedCaller>,
): Promise<number> {
  const { entry, json } = line
  const { stderr, stdout, clock } = surroundings
  // Whoever stops reading needs no more of what is read, but what is written is to be done all the same.
  const signal =
    entry.effect === 'read' ? AbortSignal.any([surroundings.signal, stdout.closed]) : surroundings.signal
  const body = await bodyOf(line, { ...surroundings, signal })
  const progress = json ? undefined : createProgressDisplay({ stderr, clock })
  const writer: AnswerWriter = { stdout, stderr, cwd: surroundings.cwd, signal, json, progress }
  const options: CallOptions = {
    signal,
    ...(body === undefined ? {} : { body }),
    ...(progress === undefined ? {} : { progress: (done: Progress) => progress.update(done) }),
  }
  try {
    const connected = await connect(signal)
    try {
      const answer: unknown = await connected.caller.call(entry.name, line.input, options)
      const exitCode = await writeAnswer(line, answer, writer)
      await whileRead(entry, stdout.flush())
      return exitCode
    } finally {
      await connected.close()
    }
  } finally {
    progress?.end()
  }
}

/** What is written is done whether or not somebody reads about it; a read ends with its reader. */
async function whileRead(entry: AnyOperation, writing: Promise<void>): Promise<void> {
  try {
    await writing
  } catch (error) {
    if (entry.effect === 'read' || !(error instanceof ReaderGone)) throw error
  }
}

async function writeAnswer(line: CommandLine, answer: unknown, writer: AnswerWriter): Promise<number> {
  const { entry, json } = line
  if (entry.returns === 'bytes') return writeBytes(answer as BytesResult, line, writer)
  const print = entry.text as ((value: unknown) => string | undefined) | undefined
  const show = (text: string | undefined): Promise<void> =>
    whileRead(entry, writeLine(json || text === undefined ? text : printable(text), writer))
  if (entry.returns === 'value') {
    const text = json || print === undefined ? JSON.stringify(answer, undefined, json ? 0 : 2) : print(answer)
    await show(text)
    return outcomeExitCode((entry.outcome as ((value: unknown) => Outcome) | undefined)?.(answer))
  }
  let last: unknown
  for await (const value of answer as AsyncIterable<unknown>) {
    last = value
    await show(json || print === undefined ? JSON.stringify(value) : print(value))
  }
  return partialExitCode(last)
}

async function bodyOf(
  { entry, input, paths, home }: CommandLine,
  { stdin, stderr, cwd, signal }: CallSurroundings,
) {
  if (entry.body === 'none') return undefined
  if (entry.body === 'files') {
    return walkFiles(paths, {
      cwd,
      signal,
      stdin: paths.includes('-') ? cancellable(stdin, signal) : stdin,
      ...(home !== undefined && { home }),
    })
  }
  const secretLines = entry.command?.secretLines
  if (secretLines !== undefined && isTerminal(stdin)) {
    const lines = await promptLines(secretLines(input), { stdin, stderr, signal })
    return oneChunk(Buffer.from(lines.join('\n')))
  }
  const [path = '-'] = paths
  if (path === '-') return cancellable(stdin, signal) as AsyncIterable<Uint8Array>
  return readBody(path, resolve(cwd, path), signal)
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield bytes
}

/** Opens a file, so that a wrong path is known before anything else is done. A pipe is as good as a file. */
async function readBody(
  given: string,
  path: string,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const failure = (error: unknown): unknown => {
    signal.throwIfAborted()
    if (!isSystemError(error)) return error
    const code = error.code === 'ENOENT' ? 'COMMAND_INPUT_MISSING' : 'COMMAND_INPUT_UNREADABLE'
    return new CommandError(code, `Cannot read ${given}: ${systemMessage(error)}`, { cause: error })
  }
  const file = cancellable(createReadStream(path, { highWaterMark: 1_048_576 }), signal)
  try {
    const begin = (opening: Resume<void>): (() => void) => {
      file.once('open', () => opening.resolve()).once('error', (error) => opening.reject(error))
      return () => {}
    }
    await suspend(begin, { what: 'opening of a file' })
  } catch (error) {
    file.destroy()
    throw failure(error)
  }
  return (async function* () {
    try {
      yield* file as AsyncIterable<Uint8Array>
    } catch (error) {
      throw failure(error)
    }
  })()
}

/** Ends a stream with the signal. Who reads it hears of that; while nobody does, it is no failure of the process. */
function cancellable<S extends Readable>(stream: S, signal: AbortSignal): S {
  stream.on('error', () => {})
  return addAbortSignal(signal, stream)
}
