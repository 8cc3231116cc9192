/** A started process with its pipes: what runProcess and openProcess share. */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { statSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { checkDuration } from '../checks.ts'
import { ConcurrencyError } from '../errors.ts'
import { ProcessTree, treeVariable } from './process-tree.ts'

/** What every process takes. */
export interface StartOptions {
  /** The folder to run in. Default: that of this program. */
  readonly cwd?: string | URL | undefined
  /**
   * The whole environment, which replaces that of this program. Default: `process.env`. On Linux the variable
   * `IPFS_KIT_PROCESS_TREE` is added to it, by which descendants are found.
   */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /**
   * Milliseconds between SIGTERM and SIGKILL when the process is killed. 0 sends SIGKILL at once. Default: 2,000.
   * On Windows there is no SIGTERM: the tree is ended at once.
   */
  readonly killAfterMs?: number | undefined
}

/** How a process ended: exactly one of the two is `null`. */
export interface ProcessExit {
  /** Its exit code; `null` if a signal ended it. */
  readonly exitCode: number | null
  /** The signal that ended it; `null` if it ended by itself. */
  readonly signal: NodeJS.Signals | null
}

/** Names of {@link StartOptions}. */
export const startOptionNames = ['cwd', 'env', 'killAfterMs']

/** The default of `killAfterMs`. */
export const defaultKillAfterMs = 2000

/** Processes that have not ended: sent SIGKILL when this program exits, which does not wait until they are gone. */
const alive = new Set<ProcessTree>()

function killAlive(): void {
  for (const tree of alive) tree.killNow()
}

/** Checks what every process takes. */
export function checkStart(command: unknown, args: unknown, options: StartOptions): void {
  if (typeof command !== 'string') throw new TypeError(`the command is not text but ${typeof command}`)
  if (command === '') throw new TypeError('the command is empty')
  if (!Array.isArray(args) || args.some((arg) => typeof arg !== 'string')) {
    throw new TypeError('the arguments of a process are an array of text')
  }
  if (options.killAfterMs !== undefined) {
    checkDuration(options.killAfterMs, 'killAfterMs')
    if (options.killAfterMs === Infinity) throw new RangeError('killAfterMs is Infinity, not bounded')
  }
}

/** A process. All its members are there from the call of {@link startChild}, also when the start fails. */
export class Child {
  readonly process: ChildProcess
  /** Resolves with the pid when the system has started it; rejects with `CONCURRENCY_PROCESS_NOT_STARTED`. */
  readonly started: Promise<number>
  /** Resolves when the process itself has ended. */
  readonly exited: Promise<ProcessExit>
  /** Resolves when it has ended and its pipes are closed. */
  readonly closed: Promise<void>
  readonly #tree: ProcessTree | undefined

  constructor(child: ChildProcess, mark: string, notStarted: (cause: Error) => Error) {
    this.process = child
    const tree = child.pid === undefined ? undefined : new ProcessTree(child.pid, mark)
    this.#tree = tree
    this.started = new Promise((resolve, reject) => {
      child.once('spawn', () => resolve(child.pid!))
      // Later errors are failed signals of Node's own kill, which is not used here.
      child.on('error', (error) => reject(notStarted(error)))
    })
    this.exited = new Promise((resolve) => {
      child.once('exit', (exitCode, signal) => {
        tree?.rootIsGone()
        if (tree !== undefined && alive.delete(tree) && alive.size === 0) process.off('exit', killAlive)
        resolve({ exitCode, signal })
      })
    })
    this.closed = new Promise((resolve) => {
      child.once('close', () => resolve())
      // With no file descriptors left there are no pipes, and no event tells of their end.
      if (!child.stdout) child.once('error', () => resolve())
    })
    if (tree !== undefined) {
      if (alive.size === 0) process.on('exit', killAlive)
      alive.add(tree)
    }
  }

  /** Its pipes; `undefined` where it has none: a stdin that was not asked for, a process that did not start. */
  get stdin(): Writable | undefined {
    return this.process.stdin ?? undefined
  }

  get stdout(): Readable | undefined {
    return this.process.stdout ?? undefined
  }

  get stderr(): Readable | undefined {
    return this.process.stderr ?? undefined
  }

  /** SIGTERM, after `graceMs` SIGKILL, to the process and all its descendants; resolves when they are gone. */
  async kill(graceMs: number): Promise<void> {
    await this.#tree?.kill(graceMs)
  }

  /** Kills it, lets go of what it still has to say, and resolves when its pipes are closed too. */
  async end(graceMs: number): Promise<void> {
    // Somebody who prints a last word must not wait for a reader.
    this.stdout?.resume()
    this.stderr?.resume()
    try {
      await this.kill(graceMs)
    } finally {
      this.cut()
    }
    await this.closed
  }

  /** Closes our ends of the pipes. */
  cut(): void {
    this.stdin?.destroy()
    this.stdout?.destroy()
    this.stderr?.destroy()
  }
}

/** Starts a process without a shell, as leader of a group and session of its own. */
export function startChild(
  command: string,
  args: readonly string[],
  options: StartOptions,
  stdin: 'pipe' | 'ignore',
): Child {
  const mark = randomUUID()
  const environment = { ...(options.env ?? process.env) }
  if (process.platform === 'linux') {
    environment[treeVariable] = `${process.env[treeVariable] ?? ''}:${mark}`
  }
  const notStarted = (cause: Error): Error =>
    new ConcurrencyError('CONCURRENCY_PROCESS_NOT_STARTED', startFailure(command, options.cwd, cause), {
      cause,
    })
  try {
    const child = spawn(command, [...args], {
      cwd: options.cwd,
      env: environment,
      stdio: [stdin, 'pipe', 'pipe'],
      shell: false,
      detached: process.platform !== 'win32',
      windowsHide: true,
    })
    return new Child(child, mark, notStarted)
  } catch (error) {
    // Some failures of the system are thrown and others emitted; what is wrong with the arguments is a TypeError.
    if (error instanceof Error && 'syscall' in error) throw notStarted(error)
    throw error
  }
}

/** Node names the command also when it is the folder that is missing. */
function startFailure(command: string, cwd: string | URL | undefined, cause: Error): string {
  if (cwd !== undefined && statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true) {
    return `cannot start ${command}: there is no folder ${String(cwd)}`
  }
  return `cannot start ${command}: ${cause.message}`
}
