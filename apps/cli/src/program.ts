/** The command line: one command for each operation, and those that serve. */
import type { Readable, Writable } from 'node:stream'
import { kitOperations } from '@ipfs-kit/kit/operations'
import { addCommands, CommandError, pathArgument, runProgram } from '@ipfs-kit/operations/cli'
import { Command, InvalidArgumentError } from 'commander'
import type { ConnectOptions } from './connect.ts'

/** What a run of the command line takes. */
export interface ProgramOptions {
  /** Arguments without node and script. */
  readonly args: readonly string[]
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  /** Cancels the command, or ends the server. */
  readonly signal: AbortSignal
  /** Folder that relative paths start from. */
  readonly cwd: string
  readonly version: string
}

/** Options that every command has. */
interface Globals {
  readonly home?: string
  readonly wait: number
  readonly json?: boolean
}

/** Runs one command line. @returns its exit code; see `runProgram` of `@ipfs-kit/operations/cli` */
export function runCommandLine(options: ProgramOptions): Promise<number> {
  const { args, stdin, stdout, stderr, signal, cwd, version } = options
  const program = new Command('ipfs-kit')
    .description('A content-addressed store on your own machine')
    .version(version)
    .option(
      '--home <path>',
      'folder of the node; default $IPFS_KIT_HOME, else the data folder of the platform',
      pathArgument(cwd),
    )
    .option('--wait <seconds>', 'how long to wait for another command that holds the home', seconds, 10)
    .option('--json', 'print JSON, one object a line')

  addCommands(program, {
    operations: kitOperations,
    // Loaded with the way to a home, so that help and mistakes are answered without it.
    connect: async (globals, options) => {
      const { connect } = await import('./connect.ts')
      return connect(placeIn(globals as unknown as Globals, options.signal, log))
    },
    streams: { stdin, stdout, stderr },
    signal,
    cwd,
    homeOf: async (globals) => {
      const { homePath } = await import('@ipfs-kit/kit')
      return (globals as unknown as Globals).home ?? homePath()
    },
  })

  program
    .command('serve')
    .description('Serve the home: REST and MCP, and the gateway, on loopback')
    .option('--port <n>', 'port of REST and MCP; 0 takes any free one; default 4801 or as configured', port)
    .option(
      '--gateway-port <n>',
      'port of the gateway; 0 takes any free one; default 4802 or as configured',
      port,
    )
    .option('--isolated', 'use a temporary home, removed on exit', false)
    .action(async (flags: { port?: number; gatewayPort?: number; isolated: boolean }) => {
      const { serve } = await import('./serve.ts')
      const { home, json = false } = program.opts<Globals>()
      if (flags.isolated && home !== undefined) {
        throw new CommandError(
          'COMMAND_USAGE',
          '--isolated makes a home of its own, so --home cannot be given too',
        )
      }
      await serve({ ...flags, ...(home === undefined ? {} : { home }), json, stdout, log, signal })
    })
  program
    .command('mcp')
    .description('Serve the tools over standard input and output, for agents')
    .action(async () => {
      const { mcp } = await import('./mcp.ts')
      await mcp({ ...placeIn(program.opts<Globals>(), signal, log), version, stdin, signal })
    })
  return runProgram(program, args)

  function log(line: string): void {
    stderr.write(`${line}\n`)
  }
}

function placeIn(
  { home, wait }: Globals,
  signal: AbortSignal,
  log: (line: string) => void,
): ConnectOptions & { readonly signal: AbortSignal } {
  return { ...(home === undefined ? {} : { home }), waitMs: wait * 1000, signal, log }
}

function port(text: string): number {
  const value = Number(text)
  if (!/^[0-9]+$/.test(text) || value > 65_535)
    throw new InvalidArgumentError('A port is a number from 0 to 65535.')
  return value
}

function seconds(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= 0 && value <= 86_400))
    throw new InvalidArgumentError('Give seconds from 0 to 86400.')
  return value
}
