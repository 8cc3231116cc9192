/** What can go wrong between a shell and an operation: arguments, files that are read, files that are written. */
import { getSystemErrorMessage } from 'node:util'
import type { Fault, FaultKind } from './errors.ts'

/** The codes of {@link CommandError}. The README's table is held equal to it. */
export const commandErrors = {
  COMMAND_USAGE: {
    kind: 'invalid',
    when: 'the arguments or options do not fit the command',
    next: 'See the command with --help.',
  },
  COMMAND_INPUT_MISSING: {
    kind: 'not-found',
    when: 'the file to be sent does not exist',
    next: 'Correct the path, or give - for standard input.',
  },
  COMMAND_INPUT_UNREADABLE: {
    kind: 'forbidden',
    when: 'the file to be sent cannot be read',
    next: 'Give a regular file that you may read, or - for standard input.',
  },
  COMMAND_OUTPUT_EXISTS: {
    kind: 'conflict',
    when: 'something is there already where the output is to be written',
    next: 'Choose another path with --output, or add --force.',
  },
  COMMAND_OUTPUT_FORBIDDEN: {
    kind: 'forbidden',
    when: 'the output may not be written there',
    next: 'Choose another path with --output, or get write permission.',
  },
  COMMAND_OUTPUT_FULL: {
    kind: 'full',
    when: 'the disk or the quota has no room for the output',
    next: 'Make room, or choose another disk with --output.',
  },
  COMMAND_OUTPUT_FAILED: {
    kind: 'internal',
    when: 'the output cannot be written for another reason that the system names',
    next: 'Correct what the message names; a folder for the output must exist.',
  },
  COMMAND_ARCHIVE_INVALID: {
    kind: 'corrupt-input',
    when: 'the archive that was received is cut off, is empty or is not a tar archive',
    next: 'Call again; if it stays so, report it with the address of the content.',
  },
} as const satisfies Record<string, { kind: FaultKind; when: string; next: string }>

/** Codes of {@link CommandError}. */
export type CommandErrorCode = keyof typeof commandErrors

/** The error class of the commands. */
export class CommandError extends Error implements Fault {
  override readonly name = 'CommandError'
  readonly code: CommandErrorCode
  readonly kind: FaultKind
  readonly next: string

  constructor(code: CommandErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.kind = commandErrors[code].kind
    this.next = commandErrors[code].next
  }
}

/** An error of the system, as `node:fs` throws it. */
export function isSystemError(
  error: unknown,
): error is NodeJS.ErrnoException & { code: string; errno: number } {
  return error instanceof Error && 'errno' in error && 'code' in error && typeof error.code === 'string'
}

/** The fault for an error of the system while something was written to `path`; anything else passes through. */
export function outputFault(error: unknown, path: string): unknown {
  if (!isSystemError(error)) return error
  const message = `Cannot write ${path}: ${systemMessage(error)}`
  return new CommandError(outputCodes.get(error.code) ?? 'COMMAND_OUTPUT_FAILED', message, { cause: error })
}

const outputCodes: ReadonlyMap<string, CommandErrorCode> = new Map([
  ['EACCES', 'COMMAND_OUTPUT_FORBIDDEN'],
  ['EPERM', 'COMMAND_OUTPUT_FORBIDDEN'],
  ['EROFS', 'COMMAND_OUTPUT_FORBIDDEN'],
  ['ENOSPC', 'COMMAND_OUTPUT_FULL'],
  ['EDQUOT', 'COMMAND_OUTPUT_FULL'],
  ['EFBIG', 'COMMAND_OUTPUT_FULL'],
])

/** What the system says, without the absolute path that `node:fs` adds: `permission denied (EACCES)`. */
export function systemMessage(error: NodeJS.ErrnoException & { code: string; errno: number }): string {
  return `${getSystemErrorMessage(error.errno)} (${error.code})`
}
