/** The command line: what is in a log of operations that nobody has open, and what can be done to it then. */
import { nodeDisk } from '@ipfs-kit/disk'
import type { AnyOperation } from '@ipfs-kit/operations'
import { addCommands, addFolder, type CommandLine, connectParts, runProgram } from '@ipfs-kit/operations/cli'
import { Command } from 'commander'
import { WalError } from './errors.ts'
import type { WalConfig } from './store/record.ts'
import { openWal } from './wal/open-wal.ts'
import {
  jobsList,
  jobsShow,
  jobsWait,
  walCancel,
  walDelete,
  walExport,
  walRebuildIndex,
  walRetry,
  walVerify,
} from './operations.ts'
import { viewOperations } from './operations/view.ts'
import { viewWal } from './wal/view.ts'
import type { WalOptions } from './wal/wal-options.ts'

/** What a run of the command line takes. */
export interface ProgramOptions extends CommandLine {
  /** The home of a node, whose log is used when no other is named. */
  readonly home: string | undefined
}

/** Commands that look, and leave the folder as it is. */
const looking: readonly AnyOperation[] = [
  ...viewOperations,
  { ...jobsList, command: { name: 'list' } },
  { ...jobsShow, command: { name: 'show' } },
  { ...jobsWait, command: { name: 'wait' } },
  { ...walVerify, command: { name: 'verify' } },
  { ...walExport, command: { name: 'export' } } as AnyOperation,
]

/** Commands that change it; nothing is begun by them. */
const changing: readonly AnyOperation[] = [
  { ...walRetry, command: { name: 'retry' } },
  { ...walCancel, command: { name: 'cancel', arguments: ['id'] } },
  { ...walDelete, command: { name: 'cleanup' } },
  { ...walRebuildIndex, command: { name: 'rebuild-index' } },
]

/** Runs one command line. @returns its exit code; see `runProgram` of `@ipfs-kit/operations/cli` */
export function runCommandLine(options: ProgramOptions): Promise<number> {
  const { args, streams, signal, cwd, home, version } = options
  const program = new Command('ipfs-kit-wal')
    .description('Looks at a log of operations that nobody has open, and mends it')
    .version(version)
    .option('--json', 'print JSON, one object a line')
  const folderOf = addFolder(program, { what: 'log', cwd, inHome: { home, name: 'log' } })
  const common = { streams, signal, cwd }
  addCommands(program, {
    ...common,
    operations: looking,
    connect: async (globals) => {
      const path = folderOf(globals)
      const wal = await unlessHeld(path, () => viewWal(nodeDisk(), path))
      return connectParts(looking, { wal }, () => wal.close())
    },
  })
  addCommands(program, {
    ...common,
    operations: changing,
    connect: async (globals) => {
      const path = folderOf(globals)
      // It is there, and read to its end, before anything is written.
      const view = await unlessHeld(path, () => viewWal(nodeDisk(), path))
      const { config } = view
      await view.close()
      const wal = await unlessHeld(path, () => openWal({ path, types: {}, executor: 'off', ...kept(config) }))
      return connectParts(changing, { wal }, () => wal.close())
    },
  })
  return runProgram(program, args)
}

/** Options that leave the log as those want it who run its operations: what is let go is theirs to say. */
function kept({ index, segmentBytes }: WalConfig = {}): Partial<WalOptions> {
  return {
    keepFinished: { count: 100_000_000, maxAgeMs: Number.MAX_SAFE_INTEGER },
    idempotencyWindowMs: Number.MAX_SAFE_INTEGER,
    ...(index === 'memory' && { index }),
    ...(typeof segmentBytes === 'number' && { segmentBytes }),
  }
}

/** What is refused because a process has the log open says whom to ask instead. */
async function unlessHeld<T>(path: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open()
  } catch (error) {
    if (!(error instanceof WalError) || error.code !== 'WAL_LOCKED') throw error
    const what = `The log in ${path} is open in another process`
    throw new WalError('WAL_LOCKED', `${what}; a server answers the same by ipfs-kit jobs and ipfs-kit wal`, {
      cause: error,
    })
  }
}
