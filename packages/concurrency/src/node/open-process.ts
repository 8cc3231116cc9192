/** A running process whose pipes are web streams. */
import { AbortError } from '../cancel-reason.ts'
import { checkOptions } from '../checks.ts'
import type { WaitOptions } from '../scope.ts'
import { suspend } from '../suspend.ts'
import { bytesFrom, bytesTo, type FailableStream } from './byte-streams.ts'
import type { Child, ProcessExit, StartOptions } from './child.ts'
import { checkStart, defaultKillAfterMs, startChild, startOptionNames } from './child.ts'

/** Options of {@link openProcess}. */
export interface OpenProcessOptions extends StartOptions, WaitOptions {}

/** A running process. */
export interface OpenProcess extends AsyncDisposable {
  readonly pid: number
  /** What it reads. Close it to tell the process that nothing follows. */
  readonly stdin: WritableStream<Uint8Array>
  /**
   * What it writes; at most 64 KiB are read ahead. It ends when all who hold the pipe have closed it. When the process is
   * killed because its scope was cancelled or ended, or the signal was aborted, it fails with that reason: cut off output does
   * not look whole.
   */
  readonly stdout: ReadableStream<Uint8Array>
  readonly stderr: ReadableStream<Uint8Array>
  /** Waits for the end of the process itself. Cancelling this wait does not kill it. */
  wait(options?: WaitOptions): Promise<ProcessExit>
  /**
   * SIGTERM to the process and all its descendants, SIGKILL after `killAfterMs`; resolves when they are gone. What was
   * written can still be read. Throws `CONCURRENCY_PROCESS_NOT_KILLED`.
   */
  kill(): Promise<void>
  /** {@link kill}, and closes the pipes: what was not read of them is lost, and reading it fails. No cancellation cuts it short. */
  [Symbol.asyncDispose](): Promise<void>
}

const optionNames = [...startOptionNames, 'scope', 'signal']

/**
 * Starts a program, without a shell. The process belongs to the scope it was opened in: it is killed with all its
 * descendants when that scope is cancelled or ends, or the signal is aborted. Hold it with `await using`, which also
 * waits until it is gone.
 *
 * @param command - a name that is looked up in PATH, or a path
 * @param args - its arguments, passed as they are
 * @throws TypeError, RangeError for wrong options; `CONCURRENCY_PROCESS_NOT_STARTED`; the reason of a cancellation
 */
export async function openProcess(
  command: string,
  args: readonly string[] = [],
  options: OpenProcessOptions = {},
): Promise<OpenProcess> {
  checkOptions(options, optionNames)
  checkStart(command, args, options)
  const { killAfterMs = defaultKillAfterMs, scope, signal } = options

  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError('signal is not an AbortSignal')
  }
  signal?.throwIfAborted()

  return await new Promise<OpenProcess>((resolve, reject) => {
    // The process lives within this wait. Its rejection is the cancellation, which every other wait of the scope meets.
    suspend<void>(
      (life) => {
        const child = startChild(command, args, options, 'pipe')
        const failed = (error: unknown): void => life.reject(error)
        let opened: Opened | undefined
        const end = (reason: unknown): void => {
          opened?.fail(reason)
          child.end(killAfterMs).then(() => life.reject(reason), failed)
        }
        // Not by the wait itself: that would open a scope, which has to end before the one around it does.
        const aborted = (): void => {
          isCancelled = true
          end(signal?.reason)
        }
        signal?.addEventListener('abort', aborted, { once: true })
        let isCancelled = false
        child.started.then((pid) => {
          if (!isCancelled) resolve((opened = new Opened(child, pid, command, killAfterMs)))
        }, failed)
        void child.exited.then(() => {
          signal?.removeEventListener('abort', aborted)
          if (!isCancelled) life.resolve()
        })
        return (reason) => {
          isCancelled = true
          end(reason)
          return 'settles-later'
        }
      },
      { scope, what: `process ${command}` },
    ).catch(reject)
  })
}

class Opened implements OpenProcess {
  readonly pid: number
  readonly stdin: WritableStream<Uint8Array>
  readonly stdout: ReadableStream<Uint8Array>
  readonly stderr: ReadableStream<Uint8Array>
  readonly #outputs: readonly FailableStream[]
  readonly #child: Child
  readonly #command: string
  readonly #killAfterMs: number

  constructor(child: Child, pid: number, command: string, killAfterMs: number) {
    this.pid = pid
    this.stdin = bytesTo(child.stdin!, command)
    const [stdout, stderr] = [bytesFrom(child.stdout!), bytesFrom(child.stderr!)]
    this.stdout = stdout.stream
    this.stderr = stderr.stream
    this.#outputs = [stdout, stderr]
    this.#child = child
    this.#command = command
    this.#killAfterMs = killAfterMs
  }

  /** Its output is cut off. */
  fail(reason: unknown): void {
    for (const output of this.#outputs) output.fail(reason)
  }

  wait(options: WaitOptions = {}): Promise<ProcessExit> {
    return suspend<ProcessExit>(
      (resume) => {
        void this.#child.exited.then((exit) => resume.resolve(exit))
        return () => undefined
      },
      { ...options, what: `end of process ${this.#command}` },
    )
  }

  kill(): Promise<void> {
    return this.#child.kill(this.#killAfterMs)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.fail(new AbortError(`process ${this.#command} was disposed of`, 'shutdown', this.#command))
    return this.#child.end(this.#killAfterMs)
  }
}
