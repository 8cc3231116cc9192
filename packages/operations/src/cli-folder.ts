/** The folder that a command line works on. */
import { join, resolve } from 'node:path'
import { InvalidArgumentError, type Command } from 'commander'
import { CommandError } from './cli-errors.ts'

/** What {@link addFolder} takes. */
export interface FolderOptions {
  /** What is in the folder, for people: `log`. */
  readonly what: string
  /** Folder that relative paths start from. */
  readonly cwd: string
  /** The folder that is meant when none is named. Default: none, and one has to be named. */
  readonly inHome?: {
    /** The home of a node, as `$IPFS_KIT_HOME` has it. */
    readonly home: string | undefined
    /** Name of the folder in it. */
    readonly name: string
  }
}

/**
 * Adds the option `--path <folder>` to a program.
 *
 * @returns gives the absolute path of the folder, of the program's options; throws `COMMAND_USAGE` where none is meant
 */
export function addFolder(
  program: Command,
  { what, cwd, inHome }: FolderOptions,
): (globals: Readonly<Record<string, unknown>>) => string {
  const otherwise = inHome === undefined ? '' : `; default ${inHome.name} in $IPFS_KIT_HOME`
  program.option('--path <folder>', `folder of the ${what}${otherwise}`, pathArgument(cwd))
  return ({ path }) => {
    if (typeof path === 'string') return path
    if (inHome?.home) return join(resolve(cwd, inHome.home), inHome.name)
    throw new CommandError('COMMAND_USAGE', `Name the folder of the ${what} with --path`)
  }
}

/**
 * Reads the path of an option: an absolute one, or one from a folder on.
 *
 * @returns what commander reads the option with; it refuses an empty text
 */
export function pathArgument(cwd: string): (text: string) => string {
  return (text) => {
    // An empty one, as of a variable that is not set, would be the working directory.
    if (text === '') throw new InvalidArgumentError('A path is not empty.')
    return resolve(cwd, text)
  }
}
