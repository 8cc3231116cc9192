/** Writes one item of an archive to its place. */
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Header } from 'tar-stream'
import { isSystemError, systemMessage } from './cli-errors.ts'
import { lstatIfPresent, partialPath, writeBeside } from './cli-save.ts'

/** Why an item of an archive is left out: the codes of its failure. The README's table is held equal to it. */
export const extractFailures = {
  EXTRACT_NAME:
    'its name is absolute, has .. or NUL, lies beside the top of the archive, or the system cannot have it',
  EXTRACT_THROUGH_LINK: 'its name leads through a symbolic link',
  EXTRACT_LINK: 'it is a symbolic link whose target may lie outside',
  EXTRACT_TYPE: 'it is neither file, folder nor symbolic link',
  EXTRACT_IN_THE_WAY: 'something else is there already under its name',
} as const

/** Codes of the items that are left out. */
export type ExtractFailureCode = keyof typeof extractFailures

/** An item as it comes out of the archive. */
export interface Item extends AsyncIterable<Uint8Array> {
  readonly header: Header
}

/** An item that is left out; the others go on. */
export class ItemRefused extends Error {
  override readonly name = 'ItemRefused'
  readonly code: ExtractFailureCode

  constructor(code: ExtractFailureCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Where an archive goes. */
export interface Place {
  /** Name of the file or folder at the top of the archive. */
  readonly top: string
  /** What the user asked for. */
  readonly target: string
  /** Where the top is written: a temporary name beside the target, or the target if it is there already. */
  readonly base: string
  readonly isNew: boolean
  /** The folder that was last seen to be a real one, which the next item is likely to lie in too. */
  folder: string | undefined
}

/**
 * The names of a path in an archive.
 *
 * @throws ItemRefused `EXTRACT_NAME`
 */
export function namesOf(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '' && name !== '.')
  if (names.length === 0 || names.includes('..') || path.startsWith('/') || path.includes('\0')) {
    throw new ItemRefused('EXTRACT_NAME', 'Its name is absolute, empty, or has .. or NUL')
  }
  return names
}

/**
 * Writes an item.
 *
 * @throws ItemRefused, and what the system says when the others would fail too
 */
export async function writeItem(
  place: Place,
  names: readonly string[],
  item: Item,
  signal: AbortSignal,
): Promise<void> {
  const [top, ...inner] = names
  if (top !== place.top) throw new ItemRefused('EXTRACT_NAME', `It lies beside ${place.top}`)
  const path = join(place.base, ...inner)
  try {
    const { type, linkname } = item.header
    if (type === 'directory') {
      await makeFolder(place, inner)
    } else if (type === 'file' || type === 'contiguous-file') {
      if (inner.length > 0) await makeFolder(place, inner.slice(0, -1))
      await writeContent(place, path, item, signal)
    } else if (type === 'symlink') {
      checkLink(linkname ?? '', inner.length)
      await makeFolder(place, inner.slice(0, -1))
      await writeLink(place, path, linkname ?? '')
    } else {
      throw new ItemRefused('EXTRACT_TYPE', `It is a ${type}`)
    }
  } catch (error) {
    const code = isSystemError(error) ? itemCodes.get(error.code) : undefined
    throw code === undefined ? error : new ItemRefused(code, systemMessage(error as never), { cause: error })
  }
}

/** What the system says about one name and not about the whole disk. */
const itemCodes: ReadonlyMap<string, ExtractFailureCode> = new Map([
  ['ENAMETOOLONG', 'EXTRACT_NAME'],
  ['EILSEQ', 'EXTRACT_NAME'],
  ['EINVAL', 'EXTRACT_NAME'],
  ['EEXIST', 'EXTRACT_IN_THE_WAY'],
  ['EISDIR', 'EXTRACT_IN_THE_WAY'],
  ['ENOTDIR', 'EXTRACT_IN_THE_WAY'],
])

/** Makes a folder and those above it, none of which may be a link. */
async function makeFolder(place: Place, inner: readonly string[]): Promise<void> {
  const folder = join(place.base, ...inner)
  if (place.folder === folder) return
  for (let depth = 0; depth <= inner.length; depth++) {
    const path = join(place.base, ...inner.slice(0, depth))
    const present = await lstatIfPresent(path)
    if (present === undefined) await mkdir(path)
    // The target itself may be a link to a folder: the user has named it.
    else if (present.isSymbolicLink() && depth > 0) {
      throw new ItemRefused('EXTRACT_THROUGH_LINK', 'Its name leads through a symbolic link')
    } else if (!present.isDirectory() && !present.isSymbolicLink()) {
      throw new ItemRefused('EXTRACT_IN_THE_WAY', 'A file is where a folder should be')
    }
  }
  place.folder = folder
}

async function writeContent(place: Place, path: string, item: Item, signal: AbortSignal): Promise<void> {
  if (place.isNew) {
    await writeFile(path, item, { flag: 'wx', signal })
  } else {
    await refuseFolder(path)
    await writeBeside(path, item, { signal })
  }
}

async function writeLink(place: Place, path: string, target: string): Promise<void> {
  if (place.isNew) {
    await symlink(target, path)
    return
  }
  await refuseFolder(path)
  const partial = partialPath(path)
  await symlink(target, partial)
  await rename(partial, path)
}

async function refuseFolder(path: string): Promise<void> {
  if ((await lstatIfPresent(path))?.isDirectory()) {
    throw new ItemRefused('EXTRACT_IN_THE_WAY', 'A folder is there already')
  }
}

/**
 * A target may first climb, at most to the top of the archive, and then only descend. A `..` after a name could leave the
 * place by way of another link.
 */
function checkLink(target: string, depth: number): void {
  const names = target.split('/').filter((name) => name !== '' && name !== '.')
  const climbs = names.findIndex((name) => name !== '..')
  const ups = climbs === -1 ? names.length : climbs
  const isInside = ups < depth && !names.slice(ups).includes('..') && target !== ''
  if (!isInside || target.startsWith('/') || target.includes('\0')) {
    throw new ItemRefused('EXTRACT_LINK', 'The link may lead out of the archive')
  }
}
