/** The command line of the caches. */
import { type AnyOperation, createCaller } from '@ipfs-kit/operations'
import { addCommands, type CommandStreams, runProgram } from '@ipfs-kit/operations/cli'
import { Command } from 'commander'
import { replayOperation } from './replay/operation.ts'

/** What a run of the command line takes. */
export interface ProgramOptions {
  /** Arguments without node and script. */
  readonly args: readonly string[]
  readonly streams: CommandStreams
  /** Cancels the command. */
  readonly signal: AbortSignal
  /** Folder that relative paths start from. */
  readonly cwd: string
  readonly version: string
}

/** Runs one command line. @returns its exit code; see `runProgram` of `@ipfs-kit/operations/cli` */
export function runCommandLine({ args, streams, signal, cwd, version }: ProgramOptions): Promise<number> {
  const program = new Command('ipfs-kit-cache')
    .description('Finds out what a cache would make of a trace of requests')
    .version(version)
    .option('--json', 'print JSON, one object a line')
  const operations: readonly AnyOperation[] = [replayOperation(cwd)]
  addCommands(program, {
    streams,
    signal,
    cwd,
    operations,
    connect: async () => ({
      caller: createCaller({ operations, borrow: () => ({ parts: {}, signal, release() {} }) }),
      close: async () => {},
    }),
  })
  return runProgram(program, args)
}
