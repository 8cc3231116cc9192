/** Asks for lines at a terminal that does not show what is typed. */
import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import type { ReadStream } from 'node:tty'
import { type Resume, suspend } from '@ipfs-kit/concurrency'
import type { Outlet } from './cli-outlet.ts'
import { OperationError } from './errors.ts'

/** Where to ask. */
export interface PromptOptions {
  readonly stdin: Pick<ReadStream, 'setRawMode'> & Readable
  readonly stderr: Pick<Outlet, 'push'>
  readonly signal: AbortSignal
}

const interrupt = '\u0003'
const endOfInput = '\u0004'
const erasing = ['\u007F', '\b']
/** What arrow and function keys send (ECMA-48, 5.4). */
const controlSequence = new RegExp(`${String.fromCodePoint(0x1b)}\\[[0-?]*[ -/]*[@-~]`, 'g')

/** Whether a stream is a terminal, which can be asked. */
export function isTerminal(stream: Readable): stream is PromptOptions['stdin'] {
  return 'isTTY' in stream && stream.isTTY === true && 'setRawMode' in stream
}

/**
 * Asks for one line for each name, without echo.
 *
 * @returns the lines
 * @throws OperationError `OPERATION_CANCELLED` for Ctrl-C and Ctrl-D; the reason of the signal
 */
export async function promptLines(names: readonly string[], options: PromptOptions): Promise<string[]> {
  const { stdin, stderr } = options
  const lines: string[] = []
  // Where the terminal echoes and joins lines itself, what is typed ahead would be shown.
  stdin.setRawMode(true)
  try {
    const keys = keysOf(options)
    for (const name of names) {
      stderr.push(`${name}: `)
      lines.push(await readLine(keys))
      stderr.push('\n')
    }
    return lines
  } finally {
    stdin.setRawMode(false)
    stdin.pause()
  }
}

async function readLine(keys: AsyncIterator<string, void>): Promise<string> {
  const line: string[] = []
  for (;;) {
    const { value: key } = await keys.next()
    if (key === undefined || key === interrupt || key === endOfInput) {
      throw new OperationError('OPERATION_CANCELLED', 'Nothing was entered')
    }
    if (key === '\r' || key === '\n') return line.join('')
    if (erasing.includes(key)) line.pop()
    else if (key >= ' ') line.push(key)
  }
}

/** What is typed, a character at a time; what was pasted behind the end of a line is of the next one. */
async function* keysOf({ stdin, signal }: PromptOptions): AsyncGenerator<string, void> {
  const decoder = new StringDecoder('utf8')
  for (;;) {
    const typed = await suspend<Buffer | undefined>((resume) => nextChunk(stdin, resume), {
      what: 'typing of a secret',
      signal,
    })
    if (typed === undefined) return
    yield* decoder.write(typed).replaceAll('\r\n', '\n').replaceAll(controlSequence, '')
  }
}

function nextChunk(stdin: Readable, resume: Resume<Buffer | undefined>): () => void {
  const onData = (typed: Buffer): void => {
    stop()
    resume.resolve(typed)
  }
  const onEnd = (): void => {
    stop()
    resume.resolve(undefined)
  }
  const onError = (error: Error): void => {
    stop()
    resume.reject(error)
  }
  const stop = (): void => {
    // Without a listener a stream that flows loses what comes.
    stdin.pause()
    stdin.off('data', onData).off('end', onEnd).off('error', onError)
  }
  stdin.on('data', onData).on('end', onEnd).on('error', onError)
  stdin.resume()
  return stop
}
