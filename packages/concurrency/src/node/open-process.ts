/** A running process whose pipes are web streams. */
import { checkOptions } from '../checks.ts'
import type { WaitOptions } from '../scope.ts'
import { suspend } from '../suspend.ts'
import { bytesFrom, bytesTo } from './byte-streams.ts'
import type { Child, ProcessExit, StartOptions } from './child.ts'
import { checkStart, defaultKillAfterMs, startChild, startOptionNames } from './child.ts'

/** Options of {@link openProcess}. */
export interface OpenProcessOptions extends StartOptions, WaitOptions {}

/** A running process. */
export interface OpenProcess extends AsyncDisposable {
  readonly pid: number
  /** What it reads. Close it to tell the process that nothing follows. */
  readonly stdin: WritableStream<Uint8Array>
  /** What it writes; at most 64 KiB are read ahead. It ends when all who hold the pipe have closed it. */
  readonly stdout: ReadableStream<Uint8Array>
  readonly stderr: ReadableStream<Uint8Array>
  /** Waits for the end of the process itself. Cancelling this wait does not kill it. */
  wait(options?: WaitOptions): Promise<ProcessExit>
  /**
   * SIGTERM to the process and all its descendants, SIGKILL after `killAfterMs`; resolves when they are gone. What was
   * written can still be read. Throws `CONCURRENCY_PROCESS_NOT_KILLED`.
   */
  kill(): Promise<void>
  /** {@link kill}, and closes the pipes. No cancellation cuts it short. */
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
        const end = (reason: unknown): void => {
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
          if (!isCancelled) resolve(new Opened(child, pid, command, killAfterMs))
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
  readonly #child: Child
  readonly #command: string
  readonly #killAfterMs: number

  constructor(child: Child, pid: number, command: string, killAfterMs: number) {
    this.pid = pid
    this.stdin = bytesTo(child.stdin!, command)
    this.stdout = bytesFrom(child.stdout!)
    this.stderr = bytesFrom(child.stderr!)
    this.#child = child
    this.#command = command
    this.#killAfterMs = killAfterMs
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
    return this.#child.end(this.#killAfterMs)
  }
}
