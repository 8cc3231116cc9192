/** The command line: the operations of a cache as commands on the folder of a disk cache, and replays of traces. */
import { join } from 'node:path'
import { nodeDisk } from '@ipfs-kit/disk'
import type { AnyOperation } from '@ipfs-kit/operations'
import { addCommands, addFolder, type CommandLine, connectParts, runProgram } from '@ipfs-kit/operations/cli'
import { Command } from 'commander'
import type { DiskCache } from './disk/disk-cache.ts'
import { openDiskCache } from './disk/open-disk-cache.ts'
import { CacheError } from './errors.ts'
import { cacheClear, cacheExplain, cacheStats } from './operations.ts'
import type { CachePart } from './operations/part.ts'
import { replayOperation } from './replay/operation.ts'
import { tiered } from './tiered/tiered.ts'

/** Runs one command line. @returns its exit code; see `runProgram` of `@ipfs-kit/operations/cli` */
export function runCommandLine({ args, streams, signal, cwd, version }: CommandLine): Promise<number> {
  const program = new Command('ipfs-kit-cache')
    .description('Looks at a disk cache, and finds out what a cache would make of a trace of requests')
    .version(version)
    .option('--name <name>', 'name of the cache in that folder', 'disk-cache')
    .option('--json', 'print JSON, one object a line')
  const folderOf = addFolder(program, { what: 'disk cache', cwd })
  const common = { streams, signal, cwd }
  const commands = [cacheStats, cacheExplain, cacheClear].map((entry) => ({
    ...entry,
    command: { name: entry.name.slice('cache.'.length) },
  }))
  addCommands(program, {
    ...common,
    operations: commands,
    connect: async (globals) => {
      const disk = await openCache(folderOf(globals), String(globals['name']))
      const store = storeOf(disk)
      return connectParts(commands, { cache: { store } satisfies CachePart }, async () => {
        await store.close()
        await disk.close()
      })
    },
  })
  const replays: readonly AnyOperation[] = [replayOperation(cwd)]
  addCommands(program, {
    ...common,
    operations: replays,
    connect: async () => connectParts(replays, {}, async () => {}),
  })
  return runProgram(program, args)
}

/** Opens the cache of a folder as it is: neither made nor made smaller. */
async function openCache(path: string, name: string): Promise<DiskCache> {
  // Every store of blocks has this file.
  if ((await nodeDisk().stat(join(path, 'store'))) === undefined)
    throw new CacheError('CACHE_NOT_THERE', `There is no disk cache in ${path}`)
  return openDiskCache({
    path,
    name,
    maxBytes: Number.MAX_SAFE_INTEGER,
    maxEntries: 2 ** 24,
    minFreeBytes: 0,
  })
}

function storeOf(disk: DiskCache) {
  const rules = {
    role: 'cache' as const,
    usage: () => disk.stats(),
    entry: (key: string, call: object) => disk.entry(key, call),
  }
  return tiered([disk], { name: disk.name, keys: 'any', tiers: { [disk.name]: rules } })
}
