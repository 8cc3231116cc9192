/** The command line: the operations of a store as commands on its folder, and a dump of one pack. */
import { resolve } from 'node:path'
import { nodeDisk } from '@ipfs-kit/disk'
import { type AnyOperation, operation } from '@ipfs-kit/operations'
import { addCommands, addFolder, type CommandLine, connectParts, runProgram } from '@ipfs-kit/operations/cli'
import { Command } from 'commander'
import { z } from 'zod'
import type { Blocks } from './blocks.ts'
import { type DumpLine, dumpPack } from './dump.ts'
import { BlocksError } from './errors.ts'
import { openBlocks } from './open-blocks.ts'
import { storeOperations } from './operations.ts'
import { readStoreFile } from './store-file.ts'

/** What a run of the command line takes. */
export interface ProgramOptions extends CommandLine {
  /** The home of a node, whose store is used when no other is named. */
  readonly home: string | undefined
}

/** Runs one command line. @returns its exit code; see `runProgram` of `@ipfs-kit/operations/cli` */
export function runCommandLine(options: ProgramOptions): Promise<number> {
  const { args, streams, signal, cwd, home, version } = options
  const program = new Command('ipfs-kit-blocks')
    .description('Looks at a store of blocks, and mends it')
    .version(version)
    .option('--json', 'print JSON, one object a line')
  const folderOf = addFolder(program, { what: 'store', cwd, inHome: { home, name: 'blocks' } })
  const common = { streams, signal, cwd }
  const commands = storeOperations.map((entry) => ({ ...entry, command: { name: entry.name.slice(6) } }))
  addCommands(program, {
    ...common,
    operations: commands,
    connect: async (globals) => {
      const store = await openStore(folderOf(globals))
      return connectParts(commands, { store }, () => store.close())
    },
  })
  // It takes no lock, so it works beside a running server.
  const dumps = [dumpOf(cwd)]
  addCommands(program, {
    ...common,
    operations: dumps,
    connect: async () => connectParts(dumps, {}, async () => {}),
  })
  return runProgram(program, args)
}

function dumpOf(cwd: string): AnyOperation {
  return operation<object>()({
    name: 'store.dump',
    summary: 'Show what is in a pack file, frame by frame, whether or not its store is open',
    parts: [],
    input: z.object({ pack: z.string().min(1).describe('path of the pack file') }),
    output: z.custom<DumpLine>(),
    body: 'none',
    returns: 'lines',
    effect: 'read',
    scope: 'content:read',
    doors: ['cli'],
    command: { name: 'dump' },
    text: dumpText,
    run: (_parts, { pack }) => dumpPack(nodeDisk(), resolve(cwd, pack)),
  })
}

/** `frame 64 block 336 bytes cid=…`: what kind of line it is, where, and the rest by name. */
function dumpText(line: DumpLine): string {
  const { line: kind, ...fields } = line
  return [kind, ...Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`)].join('  ')
}

/** Opens the store of a folder as it is: neither made nor made smaller. */
async function openStore(path: string): Promise<Blocks> {
  if ((await readStoreFile(nodeDisk(), path)) === undefined) {
    throw new BlocksError('BLOCKS_NO_STORE', `There is no store in ${path}`)
  }
  try {
    return await openBlocks({
      path,
      maxBytes: Number.MAX_SAFE_INTEGER,
      maxEntries: 2 ** 40,
      minFreeBytes: 0,
      minFreeInodes: 0,
    })
  } catch (error) {
    if (!(error instanceof BlocksError) || error.code !== 'BLOCKS_LOCKED') throw error
    const what = `The store in ${path} is open in another process`
    throw new BlocksError('BLOCKS_LOCKED', `${what}; a server answers the same by ipfs-kit store`, {
      cause: error,
    })
  }
}
