/** The processes of this machine as Linux shows them under /proc. Elsewhere the table is empty. */
import { readFileSync, readdirSync } from 'node:fs'

/** One line of the table. */
export interface ProcessEntry {
  readonly pid: number
  /** One letter: `Z` and `X` are dead and only wait for their parent to look. */
  readonly state: string
  readonly parent: number
  readonly group: number
  readonly session: number
  /** Ticks from the start of the machine to its own start: with the pid it names one process for ever. */
  readonly startedAt: string
}

/** Whether this machine has such a table. */
export const hasProcessTable = process.platform === 'linux'

/** Every process at this moment. */
export function readProcesses(): ProcessEntry[] {
  if (!hasProcessTable) return []
  const entries: ProcessEntry[] = []
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid)) continue
    const entry = readProcess(pid)
    if (entry !== undefined) entries.push(entry)
  }
  return entries
}

/** One process, `undefined` if there is none. See proc_pid_stat(5) for the fields. */
export function readProcess(pid: number): ProcessEntry | undefined {
  const text = readOrNothing(`/proc/${pid}/stat`)
  if (text === undefined) return undefined
  // The second field is the name in parentheses and may hold anything, also spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return {
    pid,
    state: fields[0] ?? '',
    parent: Number(fields[1]),
    group: Number(fields[2]),
    session: Number(fields[3]),
    startedAt: fields[19] ?? '',
  }
}

/** Whether the environment that a process was started with has `entry`. */
export function environmentHas(pid: number, entry: string): boolean {
  return readOrNothing(`/proc/${pid}/environ`)?.includes(entry) === true
}

/** A file of /proc; `undefined` if its process has ended or is not ours to look at. */
function readOrNothing(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM') return undefined
    throw error
  }
}
