/** Walks local files and folders as the body of an operation that takes files. */
import { isUtf8 } from 'node:buffer'
import type { BigIntStats, Dirent } from 'node:fs'
import { realpathSync } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { CommandError } from './cli-errors.ts'
import { readPieces, readWhole, toWalkFailure, walkFailure } from './cli-read.ts'
import type { EntryReadError } from './entry-read-error.ts'
import type { FileEntry } from './operation.ts'

/** Options of {@link walkFiles}. */
export interface WalkOptions {
  /** Folder that relative paths start from. Default: the working directory. */
  readonly cwd?: string
  /** What the path `-` reads. Without it `-` is refused. */
  readonly stdin?: AsyncIterable<Uint8Array>
  /** A folder that is never sent, wherever it turns up: the home of the node, with its token and its store. */
  readonly home?: string
  /** Ends the walk with its reason at the next entry. */
  readonly signal?: AbortSignal
}

/** Small files that are read before they are asked for: at most 16 MiB. */
const filesAhead = 16
const maxPathLength = 4_096

/**
 * Walks files and folders, links followed. A folder comes before its entries, and these in the byte order of their
 * names. The name of a path at the top is that of the file or folder itself, also for `.`; `-` becomes `stdin`.
 *
 * What cannot be sent becomes an entry with `failed` (codes: `walkFailures`) and the walk goes on. Files up to 1 MiB
 * come as bytes, some of them read ahead; larger ones as an iterable that opens the file when it is read and throws
 * `EntryReadError` when that fails half-way.
 *
 * @throws CommandError `COMMAND_USAGE` at once, when two paths have the same name, a path has none (`/`), or `-` is given
 * without `stdin`
 */
export function walkFiles(paths: readonly string[], options: WalkOptions = {}): AsyncIterable<FileEntry> {
  const { cwd = process.cwd(), signal } = options
  const names = new Set<string>()
  const tops = paths.map((given) => {
    if (given === '') throw new CommandError('COMMAND_USAGE', 'A path is empty')
    const path = resolve(cwd, given)
    const name = given === '-' ? 'stdin' : nameOf(given, path)
    if (name === '')
      throw new CommandError('COMMAND_USAGE', `${given} has no name of its own; name what is in it`)
    if (names.has(name))
      throw new CommandError('COMMAND_USAGE', `Two of the paths are called ${JSON.stringify(name)}`)
    names.add(name)
    return { given, path, name }
  })
  if (paths.includes('-') && options.stdin === undefined) {
    throw new CommandError('COMMAND_USAGE', 'There is no standard input to read')
  }
  return readAhead(
    (async function* () {
      const home = options.home === undefined ? undefined : await homeAt(options.home)
      for (const { given, path, name } of tops) {
        if (given === '-') yield entry({ path: name, content: options.stdin as AsyncIterable<Uint8Array> })
        else yield* flattened(walkTop({ name, path }, home))
      }
    })(),
    signal,
  )
}

/** A file or folder: its path inside the upload, and on this machine. */
interface Place {
  readonly name: string
  readonly path: string
}

/** The folders that are not entered: those that a place lies in, from the inside out, and last the home of the node. */
interface Ancestors {
  readonly id: string
  readonly isHome: boolean
  readonly outer: Ancestors | undefined
}

/** Begins to make an entry. It never rejects, because it may fail before it is waited for. */
type Step = () => Promise<FileEntry>

/** Keeps some steps running ahead of the reader, in order. */
async function* readAhead(steps: AsyncIterable<Step>, signal?: AbortSignal): AsyncGenerator<FileEntry> {
  const running: Promise<FileEntry>[] = []
  try {
    for await (const step of steps) {
      signal?.throwIfAborted()
      running.push(step())
      if (running.length === filesAhead) yield (await running.shift()) as FileEntry
    }
    for (let next = running.shift(); next !== undefined; next = running.shift()) {
      signal?.throwIfAborted()
      yield await next
    }
  } finally {
    await Promise.all(running)
  }
}

/** What a walk comes to: a step, or a walk of what lies below, so that a deep tree needs no deep stack. */
type Found = Step | AsyncGenerator<Found>

async function* flattened(walk: AsyncGenerator<Found>): AsyncGenerator<Step> {
  const open = [walk]
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const next = await top.next()
    if (next.done === true) open.pop()
    else if (typeof next.value === 'function') yield next.value
    else open.push(next.value)
  }
}

async function* walkTop(place: Place, home: Ancestors | undefined): AsyncGenerator<Found> {
  if (place.name.endsWith('\\')) {
    yield unusableName(printable(Buffer.from(place.name)))
    return
  }
  let stats: BigIntStats
  try {
    stats = await stat(place.path, { bigint: true })
  } catch (error) {
    const failure = await toWalkFailure(error, place.path)
    const missing = failure.code === 'WALK_VANISHED'
    yield failed(
      place,
      missing ? walkFailure('WALK_MISSING', 'There is no such file or folder', error) : failure,
    )
    return
  }
  if (home !== undefined && (await isBelow(place.path, home.id))) yield failed(place, isHome())
  else yield walk(place, stats, home)
}

function isHome(): EntryReadError {
  return walkFailure('WALK_HOME', 'It is or lies in the home of the node, with its token')
}

/** Whether one of the folders above a path, links resolved, is that folder. */
async function isBelow(path: string, id: string): Promise<boolean> {
  for (let at = dirname(await realpath(path)); ; at = dirname(at)) {
    const { dev, ino } = await stat(at, { bigint: true })
    if (`${dev}:${ino}` === id) return true
    if (at === dirname(at)) return false
  }
}

async function homeAt(path: string): Promise<Ancestors | undefined> {
  try {
    const { dev, ino } = await stat(path, { bigint: true })
    return { id: `${dev}:${ino}`, isHome: true, outer: undefined }
  } catch {
    // A home that is not there yet holds nothing, and one that cannot be looked at cannot be sent either.
    return undefined
  }
}

async function* walk(
  place: Place,
  stats: BigIntStats,
  ancestors: Ancestors | undefined,
): AsyncGenerator<Found> {
  if (stats.isFile()) yield file(place)
  else if (stats.isDirectory()) yield walkFolder(place, stats, ancestors)
  else yield failed(place, walkFailure('WALK_NOT_A_FILE', 'It is a socket, a pipe or a device'))
}

async function* walkFolder(
  place: Place,
  stats: BigIntStats,
  outer: Ancestors | undefined,
): AsyncGenerator<Found> {
  const id = `${stats.dev}:${stats.ino}`
  for (let folder = outer; folder !== undefined; folder = folder.outer) {
    if (folder.id !== id) continue
    const failure = folder.isHome
      ? isHome()
      : walkFailure('WALK_LOOP', 'The link leads back to a folder that it lies in')
    yield failed(place, failure)
    return
  }
  let listed: Dirent<Buffer>[]
  try {
    listed = await readdir(place.path, { withFileTypes: true, encoding: 'buffer' })
  } catch (error) {
    yield failed(place, await toWalkFailure(error, place.path))
    return
  }
  yield entry({ path: place.name })
  listed.sort((a, b) => Buffer.compare(a.name, b.name))
  for (const child of listed) yield walkChild(place, child, { id, isHome: false, outer })
}

async function* walkChild(folder: Place, child: Dirent<Buffer>, ancestors: Ancestors): AsyncGenerator<Found> {
  const name = `${folder.name}/${printable(child.name)}`
  if (!isUtf8(child.name) || child.name.at(-1) === 0x5c) {
    yield unusableName(name)
    return
  }
  const place = { name, path: join(folder.path, child.name.toString()) }
  if (name.length > maxPathLength) {
    const cut = `${name.slice(0, maxPathLength - 1)}…`
    yield failed(
      { name: cut },
      walkFailure('WALK_NAME', `Its path has more than ${maxPathLength} characters`),
    )
  } else if (child.isFile()) {
    yield file(place)
  } else {
    // Folders for their identity, links for what they lead to, and file systems that do not list types.
    let stats: BigIntStats
    try {
      stats = await stat(place.path, { bigint: true })
    } catch (error) {
      yield failed(place, await toWalkFailure(error, place.path))
      return
    }
    if (child.isSymbolicLink() && (await leadsHome(place.path, ancestors))) yield failed(place, isHome())
    else yield walk(place, stats, ancestors)
  }
}

/** Whether a link leads into the home, past its folder: that one is noticed when it is entered. */
async function leadsHome(path: string, ancestors: Ancestors): Promise<boolean> {
  let last: Ancestors = ancestors
  while (last.outer !== undefined) last = last.outer
  return last.isHome && (await isBelow(path, last.id))
}

function file({ name, path }: Place): Step {
  return async () => {
    try {
      return { path: name, content: (await readWhole(path)) ?? readPieces(path) }
    } catch (error) {
      const { code, message } = error as EntryReadError
      return { path: name, failed: { code, message } }
    }
  }
}

function unusableName(name: string): Step {
  return failed({ name }, walkFailure('WALK_NAME', 'Its name is not UTF-8 or ends with a backslash'))
}

function failed({ name }: Pick<Place, 'name'>, { code, message }: EntryReadError): Step {
  return entry({ path: name, failed: { code, message } })
}

function entry(value: FileEntry): Step {
  return () => Promise.resolve(value)
}

/** The last name of a path; `.` and `..` are looked up, since only the system knows where they lead. */
function nameOf(given: string, path: string): string {
  if (!/(^|\/)\.{1,2}\/*$/.test(given)) return basename(path)
  try {
    return basename(realpathSync.native(path))
  } catch {
    // It does not exist or cannot be reached: the walk says so under the name that was given.
    return basename(path)
  }
}

/** A name as text; bytes that are not UTF-8 and a backslash at the end as `%XX`, so that two names stay two. */
function printable(name: Buffer): string {
  const hex = (byte: number) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  if (!isUtf8(name))
    return [...name].map((byte) => (byte < 0x80 ? String.fromCharCode(byte) : hex(byte))).join('')
  const text = name.toString()
  return text.endsWith('\\') ? `${text.slice(0, -1)}${hex(0x5c)}` : text
}
