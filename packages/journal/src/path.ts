/** Paths, by the rules of MFS: from the root, names between slashes; those that are empty do not count. */
import { JournalError } from './errors.ts'

/** The names of a path; none for the root. */
export type Names = readonly string[]

const maxPathLength = 16_384
const maxNameBytes = 1024

/** @throws JournalError JOURNAL_INVALID_PATH; TypeError */
export function parsePath(path: string): Names {
  if (typeof path !== 'string') throw new TypeError('A path is a string')
  if (path.length > maxPathLength) {
    throw invalid(path, `has ${path.length} characters; ${maxPathLength} is the limit`)
  }
  if (!path.startsWith('/')) throw invalid(path, 'does not begin with a slash')
  const names = namesOf(path)
  for (const name of names) checkName(name, path)
  return names
}

/** The names of a path of our own, as records have them: one that was moved may be longer than any that can be asked for. */
export function namesOf(path: string): Names {
  return path.split('/').filter((name) => name !== '')
}

/** The path of names. */
export function pathOf(names: Names): string {
  return `/${names.join('/')}`
}

/** Where a path leads that something is to be moved or copied to: one that ends in a slash is that of a folder to put it into. */
export function targetOf(to: string, from: string): string {
  return to.endsWith('/') ? pathIn(to, from) : to
}

/** The path in a folder under the name that the last of another path has. */
export function pathIn(folder: string, path: string): string {
  return pathOf([...parsePath(folder), ...parsePath(path).slice(-1)])
}

/** Whether names lead to a place below others, or to the same. */
export function isWithin(names: Names, folder: Names): boolean {
  return names.length >= folder.length && folder.every((name, at) => names[at] === name)
}

function checkName(name: string, path: string): void {
  if (name === '.' || name === '..') throw invalid(path, `has the name ${name}`)
  if (name.includes('\0')) throw invalid(path, 'has a NUL')
  // A folder that has it could not be written: for the importer it is an escape.
  if (name.endsWith('\\')) throw invalid(path, 'has a name that ends in a backslash')
  // Its UTF-8 would be that of another name.
  if (!name.isWellFormed()) throw invalid(path, 'has a lone surrogate')
  if (Buffer.byteLength(name) > maxNameBytes) {
    throw invalid(path, `has a name of more than ${maxNameBytes} bytes`)
  }
}

function invalid(path: string, what: string): JournalError {
  const shown = path.length > 100 ? `${path.slice(0, 100)}…` : path
  return new JournalError('JOURNAL_INVALID_PATH', `${JSON.stringify(shown)} ${what}`)
}
