/** The keys of a folder in the byte order of UTF-8, found while it is walked. */
import { type Disk, type DiskEntry, DiskError } from '@ipfs-kit/disk'
import { checkKey, compareKeys, StorageError } from '@ipfs-kit/storage'
import { isPath, keyOfLetters, lettersOfFolder } from './key-names.ts'
import type { Tree } from './tree.ts'

/** A file that is listed. */
export interface Listed {
  readonly key: string
  readonly path: string
}

/** What of a folder is wanted. */
export interface Walk {
  readonly prefix: string
  /** Only keys behind this one. */
  readonly after: string | undefined
  readonly signal: AbortSignal
}

/** The first keys of a walk, of both kinds of names. Where a key has both, its path is the one that counts. */
export async function firstKeys(disk: Disk, tree: Tree, walk: Walk, most: number): Promise<Listed[]> {
  const found: Listed[] = []
  for await (const one of merged(
    walkPaths(disk, tree.root, '', walk),
    walkEncoded(disk, tree.encoded, '', walk),
  )) {
    if (found.at(-1)?.key === one.key) continue
    found.push(one)
    if (found.length === most) break
  }
  return found
}

/** Two lists in order as one. At equal keys the first one comes first. */
async function* merged(
  first: AsyncGenerator<Listed, void, undefined>,
  second: AsyncGenerator<Listed, void, undefined>,
): AsyncGenerator<Listed, void, undefined> {
  let [a, b] = [await first.next(), await second.next()]
  while (a.done !== true || b.done !== true) {
    if (b.done === true || (a.done !== true && compareKeys(a.value.key, b.value.key) <= 0)) {
      yield a.value as Listed
      a = await first.next()
    } else {
      yield b.value
      b = await second.next()
    }
  }
}

/** Files by their paths. Links, devices and what has no key here are left out. */
async function* walkPaths(
  disk: Disk,
  folder: string,
  above: string,
  walk: Walk,
): AsyncGenerator<Listed, void, undefined> {
  const { prefix, after } = walk
  const heads: { head: string; name: string; isFolder: boolean }[] = []
  for (const { name, kind } of await entriesOf(disk, folder, above === '', walk.signal)) {
    if (kind === 'other' || !isPath(`${above}${name}`)) continue
    const isFolder = kind === 'folder'
    // The keys in a folder are where its name with the slash is.
    const head = `${above}${name}${isFolder ? '/' : ''}`
    const isWanted = head.startsWith(prefix) || (isFolder && prefix.startsWith(head))
    const isBehind =
      after === undefined || compareKeys(head, after) > 0 || (isFolder && after.startsWith(head))
    if (isWanted && isBehind) heads.push({ head, name, isFolder })
  }
  heads.sort((a, b) => compareKeys(a.head, b.head))
  for (const { head, name, isFolder } of heads) {
    const path = `${folder}/${name}`
    if (isFolder) yield* walkPaths(disk, path, head, walk)
    else if (isKey(head)) yield { key: head, path }
  }
}

/** Files by their encoded names. */
async function* walkEncoded(
  disk: Disk,
  folder: string,
  above: string,
  walk: Walk,
): AsyncGenerator<Listed, void, undefined> {
  const { prefix, after } = walk
  const heads: { letters: string; name: string; isFolder: boolean }[] = []
  for (const { name, kind } of await entriesOf(disk, folder, false, walk.signal)) {
    const letters = kind === 'folder' ? lettersOfFolder(name) : name
    if (kind === 'other' || letters === undefined) continue
    heads.push({ letters, name, isFolder: kind === 'folder' })
  }
  // A file that has all the letters of a folder has the shorter key.
  heads.sort((a, b) => {
    if (a.letters === b.letters) return Number(a.isFolder) - Number(b.isFolder)
    return a.letters < b.letters ? -1 : 1
  })
  for (const { letters, name, isFolder } of heads) {
    const path = `${folder}/${name}`
    if (isFolder) {
      yield* walkEncoded(disk, path, above + letters, walk)
      continue
    }
    const key = keyOfLetters(above + letters)
    if (key === undefined || !isKey(key) || !key.startsWith(prefix)) continue
    if (after === undefined || compareKeys(key, after) > 0) yield { key, path }
  }
}

/** What is in a folder; nothing if it has gone meanwhile, unless it is the root. */
async function entriesOf(
  disk: Disk,
  folder: string,
  isRoot: boolean,
  signal: AbortSignal,
): Promise<readonly DiskEntry[]> {
  signal.throwIfAborted()
  try {
    return await disk.list(folder)
  } catch (error) {
    if (!(error instanceof DiskError) || error.code !== 'DISK_NOT_FOUND') throw error
    if (!isRoot) return []
    throw new StorageError('STORAGE_NO_CONTAINER', `The folder ${JSON.stringify(folder)} is not there`, {
      cause: error,
    })
  }
}

function isKey(text: string): boolean {
  try {
    checkKey(text)
    return true
  } catch {
    return false
  }
}
