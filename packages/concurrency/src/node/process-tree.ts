/**
 * A process and everything that it started: found, signalled, and waited for until it is gone.
 *
 * The process is the leader of a group and session of its own, which is signalled at once. On Linux the descendants
 * that left that group are found under /proc: by their chain of parents, and, when a parent in between has ended, by
 * a mark in the environment that they inherited.
 */
import { execFile } from 'node:child_process'
import { ConcurrencyError } from '../errors.ts'
import type { ProcessEntry } from './process-table.ts'
import { environmentHas, hasProcessTable, readProcess, readProcesses } from './process-table.ts'

/** The variable that marks the environment of a process: the ids of the trees that it belongs to, each with a colon. */
export const treeVariable = 'IPFS_KIT_PROCESS_TREE'

/** How long something that was killed may take until it is gone. */
const goneWithinMs = 5000

/** The longest pause between two looks at the table. */
const longestPauseMs = 40

/** The process `pid` and its descendants. */
export class ProcessTree {
  readonly #root: number
  readonly #rootStartedAt: string | undefined
  readonly #mark: string
  /** Members that were seen, by pid, with the time of their start: a pid that is given out again is another process. */
  readonly #seen = new Map<number, string>()
  #isRootGone = false
  /** Where there is no table: nobody was left in the group, whose number the system may now give to others. */
  #isOver = false
  #wake: (() => void) | undefined
  #killing: Promise<void> | undefined
  #hurry: (() => void) | undefined

  /** Call it in the turn in which the process was started, so that its number can belong to nobody else. */
  constructor(root: number, mark: string) {
    this.#root = root
    this.#mark = mark
    this.#rootStartedAt = hasProcessTable ? readProcess(root)?.startedAt : undefined
  }

  /** The process itself has ended; its descendants may live. */
  rootIsGone(): void {
    this.#isRootGone = true
    if (!hasProcessTable) this.#isOver = !this.#hasGroup()
    this.#wake?.()
  }

  /** Pids of the members that live. Where there is no table: of the process, or its group's if it has ended. */
  living(): number[] {
    if (!hasProcessTable) return this.#hasGroup() ? [this.#root] : []
    const entries = readProcesses()
    const own = entries.find((entry) => entry.pid === this.#root)
    // As long as somebody is in the group, the system gives its number to no new process.
    const isGroupOurs = own === undefined || own.startedAt === this.#rootStartedAt
    const members = new Map<number, ProcessEntry>()
    for (const entry of entries) {
      const belongs =
        this.#seen.get(entry.pid) === entry.startedAt ||
        (isGroupOurs && (entry.group === this.#root || entry.session === this.#root)) ||
        (Number(entry.startedAt) >= Number(this.#rootStartedAt) && environmentHas(entry.pid, this.#mark))
      if (belongs) members.set(entry.pid, entry)
    }
    // A descendant may stand before its parent in the table: until nothing is added.
    for (let before = -1; before !== members.size;) {
      before = members.size
      for (const entry of entries) if (members.has(entry.parent)) members.set(entry.pid, entry)
    }
    const living: number[] = []
    for (const entry of members.values()) {
      if (entry.state === 'Z' || entry.state === 'X') continue
      this.#seen.set(entry.pid, entry.startedAt)
      living.push(entry.pid)
    }
    return living
  }

  /** Sends SIGTERM, after `graceMs` SIGKILL, and waits until all are gone. A second call can only shorten the grace. */
  async kill(graceMs: number): Promise<void> {
    if (graceMs === 0) this.#hurry?.()
    this.#killing ??= this.#kill(graceMs)
    return this.#killing
  }

  /** Sends SIGKILL to all at once, without waiting: for the end of our own process. */
  killNow(): void {
    this.#signal('SIGKILL', this.living())
  }

  async #kill(graceMs: number): Promise<void> {
    if (graceMs > 0) {
      let hurried = false
      this.#hurry = () => {
        hurried = true
        this.#wake?.()
      }
      this.#signal('SIGTERM', this.living())
      const end = performance.now() + graceMs
      for (let pause = 1; !hurried && performance.now() < end; pause = Math.min(pause * 2, longestPauseMs)) {
        await this.#pause(Math.min(pause, Math.max(1, end - performance.now())))
        if (this.#isRootGone && this.living().length === 0) return
      }
      this.#hurry = undefined
    }
    const end = performance.now() + goneWithinMs
    for (let pause = 1; ; pause = Math.min(pause * 2, longestPauseMs)) {
      const living = this.living()
      if (this.#isRootGone && living.length === 0) return
      if (performance.now() > end) {
        throw new ConcurrencyError(
          'CONCURRENCY_PROCESS_NOT_KILLED',
          `process ${living.join(', ')} is still there ${goneWithinMs / 1000} s after it was killed`,
        )
      }
      this.#signal('SIGKILL', living)
      await this.#pause(pause)
    }
  }

  /** Signals the group at once, so that nobody in it can start another meanwhile, then who left it. */
  #signal(signal: 'SIGTERM' | 'SIGKILL', living: readonly number[]): void {
    if (living.length === 0) return
    if (process.platform === 'win32') {
      // Windows has no signals: the whole tree is ended. It fails when the tree is gone, which `living` then sees.
      execFile('taskkill', ['/PID', String(this.#root), '/T', '/F'], () => this.#wake?.())
      return
    }
    const groups = hasProcessTable ? living.map((pid) => readProcess(pid)?.group) : [this.#root]
    if (groups.includes(this.#root)) send(-this.#root, signal)
    living.forEach((pid, index) => {
      if (groups[index] !== this.#root) send(pid, signal)
    })
  }

  /** Whether a process, or one in its group, is there: without a table. */
  #hasGroup(): boolean {
    if (process.platform === 'win32') return !this.#isRootGone
    if (this.#isOver) return false
    try {
      process.kill(-this.#root, 0)
      return true
    } catch (error) {
      return !isGone(error)
    }
  }

  /** Until the time is over or the process itself ends. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake?.(), ms)
      this.#wake = () => {
        clearTimeout(timer)
        this.#wake = undefined
        resolve()
      }
    })
  }
}

/** Sends a signal. Who is gone meanwhile, or belongs to another user, is found out by the next look. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!isGone(error) && !(error instanceof Error && 'code' in error && error.code === 'EPERM')) throw error
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ESRCH'
}
