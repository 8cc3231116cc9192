/**
 * The table as commands of a commander program.
 *
 * @packageDocumentation
 */
export type { ConnectedCaller } from './cli-call.ts'
export { addCommands } from './cli-commands.ts'
export type { CommandsOptions, CommandStreams } from './cli-commands.ts'
export { CommandError, commandErrors } from './cli-errors.ts'
export type { CommandErrorCode } from './cli-errors.ts'
export { runExecutable } from './cli-executable.ts'
export type { CommandLine } from './cli-executable.ts'
export { addFolder, pathArgument } from './cli-folder.ts'
export type { FolderOptions } from './cli-folder.ts'
export { extractFailures } from './cli-extract-item.ts'
export type { ExtractFailureCode } from './cli-extract-item.ts'
export type { OutputStream } from './cli-outlet.ts'
export { connectParts } from './cli-parts.ts'
export { runProgram } from './cli-program.ts'
export { walkFailures } from './cli-read.ts'
export type { WalkFailureCode } from './cli-read.ts'
export { walkFiles } from './cli-walk.ts'
export type { WalkOptions } from './cli-walk.ts'
