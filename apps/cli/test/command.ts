/** The command line as its users run it: a process of its own, ended by its pid. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

/** Folder of this app, and of the workspace. */
export const appFolder = join(import.meta.dirname, '..')
export const workspaceFolder = join(appFolder, '../..')

/** How a command is started. */
export interface CommandOptions {
  readonly home?: string
  readonly cwd?: string
  /** All of standard input. Default: nothing. `null` leaves it open for the test to write. */
  readonly stdin?: string | Uint8Array | null
  readonly env?: Readonly<Record<string, string>>
  /** What is run instead of `src/main.ts`. */
  readonly script?: string
  /** A program and its first arguments, before node: `unshare`, `sh`. It has to become node by `exec`. */
  readonly launcher?: readonly string[]
}

/** How a command ended. */
export interface Ended {
  /** Exit code; `null` when a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly bytes: Buffer
  readonly stdout: string
  readonly stderr: string
}

/** A running command. */
export interface Running {
  readonly pid: number
  readonly stdin: Writable
  /** Everything on standard error so far. */
  stderr(): string
  /** The next line of standard output that was not taken yet and matches. Rejects when the command ends without it. */
  line(matches?: (line: string) => boolean): Promise<string>
  /** Sends a signal. */
  kill(signal: NodeJS.Signals): void
  readonly ended: Promise<Ended>
}

const running = new Map<number, Promise<Ended>>()

/** Kills the commands that still run. */
export async function endCommands(): Promise<void> {
  for (const pid of running.keys()) process.kill(pid, 'SIGKILL')
  await Promise.all(running.values())
}

/** Starts a command. */
export function start(args: readonly string[], options: CommandOptions = {}): Running {
  const { home, cwd, stdin = '', env = {}, script = join(appFolder, 'src/main.ts'), launcher = [] } = options
  const [program, ...rest] = [
    ...launcher,
    process.execPath,
    '--conditions=@ipfs-kit/source',
    script,
    ...(home === undefined ? [] : ['--home', home]),
    ...args,
  ]
  const child = spawn(program as string, rest, {
    env: { ...environment(), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  })
  // A command that ends early does not read all that it is given.
  child.stdin.on('error', () => {})
  if (stdin !== null) child.stdin.end(stdin)
  return watch(child)
}

/** Runs a command to its end. */
export function run(args: readonly string[], options: CommandOptions = {}): Promise<Ended> {
  return start(args, options).ended
}

/** The values of an output of JSON lines. */
export function jsonLines<T = Record<string, unknown>>(text: string): T[] {
  if (text !== '' && !text.endsWith('\n')) throw new Error(`The last line is not ended: ${text.slice(-100)}`)
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as T)
}

/** The environment without what would reach into a command. */
function environment(): Record<string, string | undefined> {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(IPFS_KIT_|INIT_CWD$|npm_|VITEST|NODE_ENV$|XDG_)/.test(name),
  )
  return Object.fromEntries(own)
}

function watch(child: ChildProcessByStdio<Writable, Readable, Readable>): Running {
  const pieces: Buffer[] = []
  const lines: string[] = []
  const changes = new EventEmitter()
  let partial = ''
  let stderr = ''
  let over = false
  child.stdout.on('data', (piece: Buffer) => {
    pieces.push(piece)
    partial += piece.toString('latin1')
    const complete = partial.split('\n')
    partial = complete.pop() ?? ''
    lines.push(...complete.map((line) => Buffer.from(line, 'latin1').toString()))
    changes.emit('change')
  })
  child.stderr.on('data', (piece: Buffer) => {
    stderr += piece.toString()
  })
  const { pid } = child
  if (pid === undefined) throw new Error(`${child.spawnfile} could not be started`)
  const ended = once(child, 'close').then(([code, signal]) => {
    running.delete(pid)
    over = true
    changes.emit('change')
    const bytes = Buffer.concat(pieces)
    return { code, signal, bytes, stdout: bytes.toString(), stderr } as Ended
  })
  running.set(pid, ended)
  return {
    pid,
    stdin: child.stdin,
    ended,
    stderr: () => stderr,
    kill: (signal) => void process.kill(pid, signal),
    async line(matches = () => true) {
      for (;;) {
        const at = lines.findIndex(matches)
        if (at !== -1) return lines.splice(0, at + 1).at(-1) as string
        if (over) throw new Error(`The command ended without that line; on standard error:\n${stderr}`)
        await once(changes, 'change')
      }
    },
  }
}
