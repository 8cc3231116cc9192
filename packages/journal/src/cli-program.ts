/** The command line: the tree of a journal that nobody has open, read and changed. */
import { dirname, join } from 'node:path'
import { type Blocks, BlocksError, openBlocks } from '@ipfs-kit/blocks'
import { nodeDisk } from '@ipfs-kit/disk'
import type { AnyOperation } from '@ipfs-kit/operations'
import {
  addCommands,
  addFolder,
  type CommandLine,
  connectParts,
  pathArgument,
  runProgram,
} from '@ipfs-kit/operations/cli'
import { Command } from 'commander'
import { JournalError } from './errors.ts'
import type { Journal } from './journal.ts'
import { openJournal } from './open-journal.ts'
import { journalOperations } from './operations.ts'

/** What a run of the command line takes. */
export interface ProgramOptions extends CommandLine {
  /** The home of a node, whose journal is used when no other is named. */
  readonly home: string | undefined
}

/** Of a node, or of a process that goes on: content by its CID, tiers, and transactions. */
const elsewhere = new Set([
  'fs.put',
  'fs.export',
  'fs.mount',
  'fs.tiers',
  'fs.move-to-tier',
  'fs.pin-to-tier',
  'fs.unpin-from-tier',
  'fs.tier-pins',
  'journal.begin',
  'journal.commit',
  'journal.rollback',
  'journal.transactions',
])

/** Runs one command line. @returns its exit code; see `runProgram` of `@ipfs-kit/operations/cli` */
export function runCommandLine(options: ProgramOptions): Promise<number> {
  const { args, streams, signal, cwd, home, version } = options
  const program = new Command('ipfs-kit-journal')
    .description('Reads and changes the tree of a journal that nobody has open')
    .version(version)
    .option(
      '--blocks <folder>',
      'folder of its blocks; default blocks beside that of the journal',
      pathArgument(cwd),
    )
    .option('--json', 'print JSON, one object a line')
  const folderOf = addFolder(program, { what: 'journal', cwd, inHome: { home, name: 'journal' } })
  const operations = (journalOperations as readonly AnyOperation[])
    .filter(({ name }) => !elsewhere.has(name))
    .map((entry) => ({ ...entry, command: { ...entry.command, name: entry.name.replace(/^\w+\./, '') } }))
  addCommands(program, {
    ...{ streams, signal, cwd, operations },
    connect: async (globals) => {
      const path = folderOf(globals)
      const { blocks = join(dirname(path), 'blocks') } = globals as { readonly blocks?: string }
      const opened = await open(path, blocks)
      const parts = { journal: opened.journal, ipfs: { files: { resolve: refuse } } }
      return connectParts(operations, parts, () => opened.resources.disposeAsync())
    },
  })
  return runProgram(program, args)
}

async function refuse(path: string): Promise<never> {
  throw new JournalError('JOURNAL_INVALID_PATH', `${path} is a path of a node: ipfs-kit fs knows those`)
}

/** Opens the journal of a folder and its blocks as they are: neither is made. */
async function open(
  path: string,
  blocksPath: string,
): Promise<{ readonly journal: Journal; readonly resources: AsyncDisposableStack }> {
  for (const folder of [path, blocksPath]) {
    const isThere = (await nodeDisk().stat(folder))?.kind === 'folder'
    if (isThere && (await nodeDisk().list(folder)).length > 0) continue
    throw new JournalError(
      'JOURNAL_NOT_THERE',
      `There is no journal with its blocks: nothing is in ${folder}`,
    )
  }
  await using opening = new AsyncDisposableStack()
  try {
    const blocks = opening.use(await openAsIs(blocksPath))
    // How many checkpoints are kept is for others to say: none goes.
    const journal = opening.use(await openJournal({ path, blocks, keepCheckpoints: 100 }))
    return { journal, resources: opening.move() }
  } catch (error) {
    const isLocked =
      (error instanceof BlocksError && error.code === 'BLOCKS_LOCKED') ||
      (error instanceof JournalError && error.code === 'JOURNAL_LOCKED')
    if (!isLocked) throw error
    const what = `The journal in ${path}, or its blocks, are open in another process`
    throw new JournalError('JOURNAL_LOCKED', `${what}; a server answers the same by ipfs-kit fs`, {
      cause: error,
    })
  }
}

/** It is not known what else is to be kept: nothing goes. */
function openAsIs(path: string): Promise<Blocks> {
  return openBlocks({
    path,
    maxBytes: Number.MAX_SAFE_INTEGER,
    maxEntries: 2 ** 40,
    minFreeBytes: 0,
    minFreeInodes: 0,
  })
}
