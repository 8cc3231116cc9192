/** Runs the command of a reference and takes what it prints. */
import { spawn } from 'node:child_process'
import { moveOnAfter, type Resume, suspend } from '@ipfs-kit/concurrency'
import { CredentialsError } from './errors.ts'

/** Limits of a command. */
export interface CommandLimits {
  readonly timeoutMs: number
  readonly maxBytes: number
}

/** How a command ended. */
interface End {
  readonly why: 'exit' | 'start' | 'output'
  readonly detail: string
  readonly output: string
}

/**
 * Runs a program without a shell. It inherits the environment and gets no input. What it writes to standard error goes
 * nowhere, and no error shows what it printed: both may hold the secret.
 *
 * @returns what it printed, as UTF-8
 * @throws CredentialsError `CREDENTIALS_COMMAND`; the reason of the signal, untouched. The program is killed first
 */
export async function outputOf(
  argv: readonly [string, ...string[]],
  limits: CommandLimits,
  signal: AbortSignal | undefined,
): Promise<string> {
  const [program] = argv
  const end = await moveOnAfter(
    limits.timeoutMs,
    () => suspend<End>((resume) => begin(argv, limits, resume)),
    {
      signal,
    },
  )
  if (end === undefined) throw failed(program, `ran for more than ${limits.timeoutMs / 1000} seconds`)
  if (end.why === 'exit' && end.detail === 'code 0') return end.output
  if (end.why === 'start') throw failed(program, `cannot be started: ${end.detail}`)
  if (end.why === 'output') throw failed(program, `printed more than ${limits.maxBytes} bytes`)
  throw failed(program, `ended with ${end.detail}`)
}

/** Settles when the program is gone and its output is read, also when it was killed. */
function begin(argv: readonly [string, ...string[]], { maxBytes }: CommandLimits, resume: Resume<End>) {
  const [program, ...args] = argv
  const pieces: Buffer[] = []
  let length = 0
  let refused: string | undefined
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'], windowsHide: true })
  const kill = (): void => {
    child.kill('SIGKILL')
    // What the program has started may keep the pipe open.
    child.stdout.destroy()
  }
  child.stdout.on('data', (piece: Buffer) => {
    length += piece.length
    if (length > maxBytes) kill()
    else pieces.push(piece)
  })
  child.once('error', (error: NodeJS.ErrnoException) => {
    refused = error.code ?? error.name
    // Without a process there is no end of one.
    if (child.pid === undefined) resume.resolve({ why: 'start', detail: refused, output: '' })
  })
  child.once('close', (code, by) => {
    const why = length > maxBytes ? 'output' : 'exit'
    const detail = code === null ? `signal ${by}` : `code ${code}`
    resume.resolve({ why, detail, output: Buffer.concat(pieces).toString('utf8') })
  })
  return () => {
    kill()
    return child.pid === undefined ? undefined : ('settles-later' as const)
  }
}

function failed(program: string, what: string): CredentialsError {
  return new CredentialsError('CREDENTIALS_COMMAND', `The command ${JSON.stringify(program)} ${what}`)
}
