/** A process that is run to its end, its output collected. */
import { checkCount, checkDuration, checkOptions } from '../checks.ts'
import { ConcurrencyError } from '../errors.ts'
import { failAfter } from '../cancel-scope.ts'
import type { WaitOptions } from '../scope.ts'
import { suspend } from '../suspend.ts'
import { isClosedPipe } from './byte-streams.ts'
import type { Child, ProcessExit, StartOptions } from './child.ts'
import { checkStart, defaultKillAfterMs, startChild, startOptionNames } from './child.ts'

/** Options of {@link runProcess}. */
export interface RunProcessOptions extends StartOptions, WaitOptions {
  /** What the process reads from its stdin. Default: nothing, its stdin is at its end from the beginning. */
  readonly input?: string | Uint8Array | undefined
  /** The most bytes that stdout and stderr may have together. Default: 16,777,216 (16 MiB). */
  readonly maxOutputBytes?: number | undefined
  /** Whether an exit code other than 0, or an end by a signal, is an error. Default: true. */
  readonly check?: boolean | undefined
  /** The longest that it may run, in milliseconds; then it is killed and the call rejects with a TimeoutError. */
  readonly timeoutMs?: number | undefined
}

/** What a process gave. */
export interface ProcessResult extends ProcessExit {
  readonly stdout: Uint8Array<ArrayBuffer>
  readonly stderr: Uint8Array<ArrayBuffer>
}

/** The error of a process that failed, with all that it gave. */
export interface ProcessFailure extends ConcurrencyError, ProcessResult {
  readonly code: 'CONCURRENCY_PROCESS_FAILED'
}

/** How much of stderr a message shows, in bytes. */
const tailBytes = 2048

/** How long what is left in the pipes of killed processes may take to be read. */
const lastReadMs = 50

const optionNames = [...startOptionNames, 'input', 'maxOutputBytes', 'check', 'timeoutMs', 'scope', 'signal']

/**
 * Runs a program to its end, without a shell.
 *
 * A cancelled call kills the process and all its descendants, waits until they are gone and their pipes are closed, and
 * rejects with the reason. When the process has ended and something that it started holds its pipes open, that has
 * `killAfterMs` to close them; then it is killed too. What it started that holds no pipe is left alone.
 *
 * @param command - a name that is looked up in PATH, or a path
 * @param args - its arguments, passed as they are
 * @throws TypeError, RangeError for wrong options; `CONCURRENCY_PROCESS_NOT_STARTED`; `CONCURRENCY_PROCESS_FAILED`, which
 *   is a {@link ProcessFailure}; `CONCURRENCY_PROCESS_OUTPUT_TOO_LARGE`; TimeoutError; the reason of a cancellation
 */
export async function runProcess(
  command: string,
  args: readonly string[] = [],
  options: RunProcessOptions = {},
): Promise<ProcessResult> {
  checkOptions(options, optionNames)
  checkStart(command, args, options)
  const { input, maxOutputBytes = 16 * 1024 * 1024, check = true, timeoutMs, scope, signal } = options
  const { killAfterMs = defaultKillAfterMs } = options
  if (input !== undefined && typeof input !== 'string' && !(input instanceof Uint8Array)) {
    throw new TypeError(`input is neither text nor bytes but ${typeof input}`)
  }
  checkCount(maxOutputBytes, 'maxOutputBytes', 0)
  if (typeof check !== 'boolean') throw new TypeError(`check is not true or false but ${typeof check}`)

  const run = (wait: WaitOptions): Promise<ProcessResult> =>
    suspend<ProcessResult>(
      (resume) => {
        const child = startChild(command, args, options, input === undefined ? 'ignore' : 'pipe')
        const endWith = (error: unknown): void => {
          child.end(killAfterMs).then(
            () => resume.reject(error),
            (notKilled: unknown) => resume.reject(notKilled),
          )
        }
        let isCancelled = false
        collect(child, command, input, maxOutputBytes, killAfterMs).then((result) => {
          // A cancelled call waits for the descendants too.
          if (!isCancelled) resume.resolve(result)
        }, endWith)
        return (reason) => {
          isCancelled = true
          endWith(reason)
          return 'settles-later'
        }
      },
      { ...wait, what: `process ${command}` },
    )
  let result: ProcessResult
  if (timeoutMs === undefined) {
    result = await run({ scope, signal })
  } else {
    checkDuration(timeoutMs, 'timeoutMs')
    result = await failAfter(timeoutMs, (inner) => run({ scope: inner }), {
      name: `process ${command}`,
      scope,
      signal,
    })
  }
  if (check && result.exitCode !== 0) throw failure(command, result)
  return result
}

/** Writes the input and reads the output until the process has ended and its pipes are closed. */
async function collect(
  child: Child,
  command: string,
  input: string | Uint8Array | undefined,
  maxOutputBytes: number,
  lingerMs: number,
): Promise<ProcessResult> {
  const stdout: Uint8Array[] = []
  const stderr: Uint8Array[] = []
  let total = 0
  await new Promise<void>((resolve, reject) => {
    for (const [stream, chunks] of [
      [child.stdout, stdout],
      [child.stderr, stderr],
    ] as const) {
      stream?.on('error', reject)
      stream?.on('data', (chunk: Uint8Array) => {
        // What is too much is let go, so that a process that is being killed can still write.
        if (total > maxOutputBytes) return
        total += chunk.byteLength
        if (total <= maxOutputBytes) chunks.push(chunk)
        else reject(tooLarge(command, maxOutputBytes))
      })
    }
    // A process may end, or close its stdin, before it has read everything: its right.
    child.stdin?.on('error', (error) => {
      if (!isClosedPipe(error)) reject(error)
    })
    child.stdin?.end(input)
    child.started.catch(reject)
    Promise.all([child.closed, child.exited.then(() => endHolders(child, lingerMs))]).then(
      () => resolve(),
      reject,
    )
  })
  return {
    ...(await child.exited),
    stdout: joined(stdout),
    stderr: joined(stderr),
  }
}

/** The chunks as one array with memory of its own. */
function joined(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0))
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.byteLength
  }
  return whole
}

function tooLarge(command: string, maxOutputBytes: number): ConcurrencyError {
  return new ConcurrencyError(
    'CONCURRENCY_PROCESS_OUTPUT_TOO_LARGE',
    `the output of ${command} passed maxOutputBytes (${maxOutputBytes})`,
  )
}

/** The process has ended: whatever it left behind that holds its pipes has `lingerMs` to close them, and is killed then. */
async function endHolders(child: Child, lingerMs: number): Promise<void> {
  if (await isClosedWithin(child, lingerMs)) return
  try {
    await child.kill(0)
  } catch (error) {
    // A holder that cannot be killed does not keep the call: its pipes are cut.
    if (!(error instanceof ConcurrencyError)) throw error
  }
  if (!(await isClosedWithin(child, lastReadMs))) child.cut()
}

function isClosedWithin(child: Child, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ms)
    void child.closed.then(() => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}

function failure(command: string, result: ProcessResult): ProcessFailure {
  const how = result.signal === null ? `with exit code ${result.exitCode}` : `by ${result.signal}`
  const tail = Buffer.from(result.stderr.subarray(-tailBytes)).toString('utf8').trim()
  const error = new ConcurrencyError(
    'CONCURRENCY_PROCESS_FAILED',
    `${command} ended ${how}${tail === '' ? '' : `: ${tail}`}`,
  )
  return Object.assign(error, result) as ProcessFailure
}
