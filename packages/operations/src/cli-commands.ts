/** The entries of a table as commands. */
import { CommanderError, type Command } from 'commander'
import type { Readable } from 'node:stream'
import { type CallSurroundings, type ConnectedCaller, runCall } from './cli-call.ts'
import { CommandError } from './cli-errors.ts'
import { declareInput } from './cli-input.ts'
import { createOutlet, type OutputStream, ReaderGone } from './cli-outlet.ts'
import { OperationError } from './errors.ts'
import { type AnyOperation, doorsOf } from './operation.ts'

/** The three streams of a process. */
export interface CommandStreams {
  readonly stdin: Readable
  readonly stdout: OutputStream
  readonly stderr: OutputStream
}

/** What {@link addCommands} takes. */
export interface CommandsOptions {
  /** The table. Entries without the door `cli` are left out. */
  readonly operations: readonly AnyOperation[]
  /**
   * Gives the caller of one command, when its arguments have been checked; it is closed at the end.
   *
   * @param globals options of the program itself, such as `home` and `wait`
   */
  readonly connect: (
    globals: Readonly<Record<string, unknown>>,
    options: { readonly signal: AbortSignal },
  ) => Promise<ConnectedCaller>
  readonly streams: CommandStreams
  /** Cancels the running command, which then ends with exit code 130. */
  readonly signal?: AbortSignal
  /** Folder that relative paths start from. Default: the working directory. */
  readonly cwd?: string
  /** The home of the node under these options of the program: what lies in it is never sent. Default: none. */
  readonly homeOf?: (globals: Readonly<Record<string, unknown>>) => Promise<string>
  /** Milliseconds on a clock that does not jump, for the progress. Default: `performance.now`. */
  readonly clock?: () => number
}

/**
 * Adds one command for each entry with the door `cli`, named by `command.name` (else `<area> <verb>`). Options of the
 * program stay valid at every command; `--json` among them switches all output to JSON. Call it after the program's own
 * options are declared, and run the program with `runProgram`.
 *
 * @throws TypeError when two commands have the same name, or an input has no form as a command line
 */
export function addCommands(program: Command, options: CommandsOptions): void {
  const { streams, operations, connect } = options
  const surroundings: CallSurroundings = {
    stdin: streams.stdin,
    stdout: createOutlet(streams.stdout, 'standard output'),
    stderr: createOutlet(streams.stderr, 'standard error'),
    cwd: options.cwd ?? process.cwd(),
    clock: options.clock ?? (() => performance.now()),
    signal: options.signal ?? new AbortController().signal,
  }
  program.configureOutput({
    writeOut: (text) => surroundings.stdout.push(text),
    writeErr: (text) => surroundings.stderr.push(text),
    getOutHelpWidth: () => surroundings.stdout.columns,
    getErrHelpWidth: () => surroundings.stderr.columns,
  })
  program.configureHelp({ ...program.configureHelp(), showGlobalOptions: true })

  const groups = new Set<Command>()
  for (const entry of operations) {
    if (!doorsOf(entry).includes('cli')) continue
    const command = commandAt(program, entry, groups)
    const input = declareInput(entry, command)
    declareStreams(entry, command)
    for (const { long } of command.options) {
      if (long === '--help' || program.options.some((option) => option.long === long)) {
        throw new TypeError(`${entry.name}: the program itself has the option ${long}`)
      }
    }
    const isSecret = entry.command?.secretLines !== undefined
    // Refused by ourselves: the message of the library repeats what was typed.
    if (isSecret) command.allowExcessArguments().allowUnknownOption()
    command.action(async () => {
      if (isSecret && command.args.length > command.registeredArguments.length) {
        throw new CommandError(
          'COMMAND_USAGE',
          `${command.name()} has no such argument or option. A secret comes from standard input; if one was typed here, others may have seen it`,
        )
      }
      const { output, force } = command.opts<{ output?: string; force?: boolean }>()
      const globals = program.opts<{ json?: boolean }>()
      const line = {
        entry,
        input: input.read(command.processedArgs, command),
        paths: command.processedArgs.slice(input.argumentCount).flat().filter(isText),
        home: await options.homeOf?.(globals),
        json: globals.json === true,
        output,
        force: force === true,
      }
      await ending(surroundings, () => runCall(line, surroundings, (signal) => connect(globals, { signal })))
    })
  }
  for (const group of groups) group.summary(group.commands.map((command) => command.name()).join(', '))
}

/** The command of an entry, inside groups for all of its words but the last. */
function commandAt(program: Command, entry: AnyOperation, groups: Set<Command>): Command {
  const words = (entry.command?.name ?? entry.name.replace('.', ' ')).split(' ')
  let parent = program
  for (const [index, word] of words.entries()) {
    const present = parent.commands.find((command) => command.name() === word)
    const isLast = index === words.length - 1
    if (present !== undefined && (isLast || !groups.has(present))) {
      throw new TypeError(`${entry.name}: there is a command ${words.slice(0, index + 1).join(' ')} already`)
    }
    parent = present ?? parent.command(word)
    if (!isLast) groups.add(parent)
  }
  return parent.description(entry.summary)
}

function declareStreams(entry: AnyOperation, command: Command): void {
  if (entry.command?.secretLines !== undefined) {
    command.addHelpText(
      'after',
      '\nThe secret comes from standard input; a terminal asks for it and does not show it.',
    )
  }
  if (entry.body === 'files')
    command.argument('<path...>', 'files and folders, links followed; - reads one file from standard input')
  if (entry.body === 'bytes' && entry.command?.secretLines === undefined)
    command.argument('[file]', 'file to send; - or nothing reads standard input')
  if (entry.returns === 'bytes') {
    command.option('-o, --output <path>', 'where to write; - writes to standard output')
    command.option('--force', 'replace what is there already')
  }
}

/** Ends the action of a command with its exit code, by the error that commander itself ends with. */
async function ending({ signal, stdout }: CallSurroundings, run: () => Promise<number>): Promise<void> {
  let exitCode: number
  try {
    exitCode = await run()
  } catch (error) {
    if (signal.aborted) throw new OperationError('OPERATION_CANCELLED', 'Cancelled', { cause: error })
    if (!stdout.closed.aborted) throw error
    if (!(stdout.closed.reason instanceof ReaderGone)) throw stdout.closed.reason
    exitCode = 0
  }
  if (exitCode !== 0) throw new CommanderError(exitCode, 'command.partial', '')
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
