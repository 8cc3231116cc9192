/** Runs a program and says how it ended: the exit code, and errors as text or JSON. */
import { CommanderError, type Command } from 'commander'
import { CommandError } from './cli-errors.ts'
import { printable } from './cli-printable.ts'
import { answerOf, type Fault, toFault } from './errors.ts'

/**
 * Runs a program with the arguments of the user (without `node` and the script). It never ends the process. Errors go to
 * standard error: `error: message`, then the code and what to do; with the program's option `json` as one line
 * `{"error":{…}}`.
 *
 * @returns the exit code: 0 done, 1 failed, 2 usage or configuration, 3 not found, 4 permission, 5 temporary, 6 partial
 * success, 7 limit reached, 8 integrity, 130 cancelled
 */
export async function runProgram(program: Command, args: readonly string[]): Promise<number> {
  prepare(program, program.configureOutput())
  try {
    await program.parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError && !isUsage(error)) return error.exitCode
    const fault = error instanceof CommanderError ? usageFault(error) : toFault(error)
    // Help for a command that was left incomplete has been written already.
    if (fault.message !== '(outputHelp)') show(program, fault, wantsJson(program, args))
    return answerOf(fault.kind).exitCode
  }
}

/** Commander copies these settings to a command when it is made, and misses those that were made before. */
function prepare(command: Command, output: ReturnType<Command['configureOutput']>): void {
  command.exitOverride()
  command.configureOutput({ ...output, outputError: () => {} })
  for (const child of command.commands) prepare(child, output)
}

function isUsage(error: CommanderError): boolean {
  return error.exitCode !== 0 && error.code.startsWith('commander.')
}

function usageFault(error: CommanderError): Fault {
  return new CommandError('COMMAND_USAGE', error.message.replace(/^error: /, ''), { cause: error })
}

/** The option as it was read, or as it stands there when the reading did not get so far. */
function wantsJson(program: Command, args: readonly string[]): boolean {
  if (program.opts<{ json?: boolean }>().json === true) return true
  const end = args.indexOf('--')
  return args.slice(0, end === -1 ? args.length : end).includes('--json')
}

function show(program: Command, fault: Fault, json: boolean): void {
  const { code, message, next, kind } = fault
  const requestId = 'requestId' in fault && typeof fault.requestId === 'string' ? fault.requestId : undefined
  // A defect in this process has no other log than standard error.
  const cause = kind === 'internal' && fault.cause instanceof Error ? fault.cause.stack : undefined
  const text = json
    ? JSON.stringify({
        error: { code, kind, message, next, retryable: kind === 'temporary', requestId, cause },
      })
    : [
        `error: ${printable(message)}`,
        `  ${code} — ${next}${requestId === undefined ? '' : ` (requestId ${requestId})`}`,
        ...(cause === undefined ? [] : [cause]),
      ].join('\n')
  program.configureOutput().writeErr?.(`${text}\n`)
}
