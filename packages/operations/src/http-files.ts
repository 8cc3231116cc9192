/** Turns the body of a `files` operation into entries: a multipart form with one part per file, or one raw file. */
import { createEvent, type Event } from '@ipfs-kit/concurrency'
import { EntryReadError } from './entry-read-error.ts'
import { OperationError } from './errors.ts'
import { failed as failUpload, tooLarge } from './http-body.ts'
import type { Upload } from './http-body.ts'
import type { Part, Parts } from './http-multipart.ts'
import type { FileEntry, ItemFailure } from './operation.ts'

/** A file of at most this size is handed over as bytes, a larger one as a stream. */
const wholeFileBytes = 1_048_576
const maxFailureBytes = 65_536
const maxPathLength = 4_096

/** Options of {@link filesOf}. */
export interface FilesOptions {
  readonly maxFiles: number
  readonly signal: AbortSignal
  readonly upload: Upload
}

/** The sender's word that it could not read a file. */
interface FailureNote {
  readonly path: string
  readonly failed: ItemFailure
}

/**
 * Checks the path of an entry.
 *
 * @throws `OPERATION_BODY_INVALID` for an empty, absolute or too long path, one with NUL or a `\` at its end, and for
 * empty, `.` and `..` names
 */
export function checkPath(path: string): string {
  if (path.length > maxPathLength)
    throw invalid(`names a file with a path of more than ${maxPathLength} characters`)
  const unusable =
    path.includes('\0') || path.endsWith('\\') || path.split('/').some((name) => /^\.{0,2}$/.test(name))
  if (unusable)
    throw invalid(
      `names a file ${JSON.stringify(path)}; a path is relative, without empty, "." and ".." names`,
    )
  return path
}

/**
 * The entries of a multipart form. The end of each file is held back until the header after it was seen, because a part
 * `failed` may take the file back. Content that is streamed is read before the next entry is asked for; asking earlier
 * skips what nobody has begun to read, and waits for a reader that has.
 */
export async function* filesOf(parts: Parts, options: FilesOptions): AsyncGenerator<FileEntry> {
  const { maxFiles, upload } = options
  let count = 0
  const nextItem = async (): Promise<Part | FailureNote | undefined> => {
    const part = await parts.next()
    if (part === undefined) return undefined
    count += 1
    if (count > maxFiles) throw tooLarge(`The body has more than ${maxFiles} files`)
    return part.filename === undefined ? readFailure(part, parts) : part
  }
  try {
    let item = await nextItem()
    while (item !== undefined) {
      if ('failed' in item) {
        yield item
        item = await nextItem()
        continue
      }
      const path = checkPath(item.filename ?? '')
      if (item.mediaType === 'application/x-directory') {
        item = await nextItem()
        yield { path }
        continue
      }
      const start = await readStart(parts)
      if (start.whole) {
        item = await nextItem()
        if (isAbout(item, path)) continue
        yield { path, content: join(start.pieces) }
      } else {
        const rest = streamedContent(path, start.pieces, parts, nextItem, options)
        yield { path, content: rest.content }
        item = await rest.itemAfter()
      }
    }
  } catch (error) {
    throw failUpload(upload, error)
  }
}

interface StreamedContent {
  readonly content: AsyncIterable<Uint8Array>
  /** The item after this file, once its content was read, left or skipped. */
  itemAfter(): Promise<Part | FailureNote | undefined>
}

function streamedContent(
  path: string,
  start: readonly Uint8Array[],
  parts: Parts,
  nextItem: () => Promise<Part | FailureNote | undefined>,
  { upload, signal }: FilesOptions,
): StreamedContent {
  let following: { readonly item: Part | FailureNote | undefined } | undefined
  let reading: Event | undefined
  let skipped = false

  async function* read(ended: Event): AsyncGenerator<Uint8Array> {
    try {
      yield* start
      for (let piece = await parts.read(); piece !== undefined; piece = await parts.read()) yield piece
      const item = await nextItem()
      if (!isAbout(item, path)) {
        following = { item }
        return
      }
      following = { item: await nextItem() }
      throw new EntryReadError(item.failed.code, item.failed.message)
    } catch (error) {
      throw error instanceof EntryReadError ? error : failUpload(upload, error)
    } finally {
      ended.set()
    }
  }

  return {
    content: {
      [Symbol.asyncIterator]() {
        if (skipped || reading !== undefined) {
          throw new TypeError(
            `The content of ${JSON.stringify(path)} is read once, and before the next entry`,
          )
        }
        const ended = createEvent({ name: 'content read' })
        reading = ended
        return endingAtReturn(read(ended), ended)
      },
    },
    async itemAfter() {
      skipped = true
      await reading?.wait({ signal })
      if (upload.failure !== undefined) throw upload.failure
      // The reader has left early, or there was none: `next` skips the rest of the part.
      return following === undefined ? nextItem() : following.item
    },
  }
}

/** A generator that was never begun does not run its `finally` when it is left; this one says so. */
function endingAtReturn<T>(values: AsyncGenerator<T>, ended: Event): AsyncIterator<T> {
  return {
    next: () => values.next(),
    async return() {
      await values.return(undefined)
      ended.set()
      return { done: true, value: undefined }
    },
  }
}

/** Reads the current part until its end or until it is too large to be handed over whole. */
async function readStart(parts: Parts): Promise<{ readonly pieces: Uint8Array[]; readonly whole: boolean }> {
  const pieces: Uint8Array[] = []
  let length = 0
  while (length <= wholeFileBytes) {
    const piece = await parts.read()
    if (piece === undefined) return { pieces, whole: true }
    pieces.push(piece)
    length += piece.length
  }
  return { pieces, whole: false }
}

async function readFailure(part: Part, parts: Parts): Promise<FailureNote> {
  if (part.name !== 'failed')
    throw invalid(`has a field ${JSON.stringify(part.name)}; only files and "failed" are known`)
  const pieces: Uint8Array[] = []
  let length = 0
  for (let piece = await parts.read(); piece !== undefined; piece = await parts.read()) {
    length += piece.length
    if (length > maxFailureBytes) throw tooLarge(`A field "failed" has more than ${maxFailureBytes} bytes`)
    pieces.push(piece)
  }
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(join(pieces)))
  } catch {
    value = undefined
  }
  if (!isFailure(value))
    throw invalid('has a field "failed" that is not JSON with the texts path, code and message')
  return { path: checkPath(value.path), failed: { code: value.code, message: value.message } }
}

function isFailure(value: unknown): value is { path: string; code: string; message: string } {
  if (typeof value !== 'object' || value === null) return false
  return ['path', 'code', 'message'].every(
    (key) => typeof (value as Record<string, unknown>)[key] === 'string',
  )
}

function isAbout(item: Part | FailureNote | undefined, path: string): item is FailureNote {
  return item !== undefined && 'failed' in item && item.path === path
}

/** One array of its own, so that a small file does not hold the buffer of the socket it arrived in. */
function join(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

function invalid(what: string): OperationError {
  return new OperationError('OPERATION_BODY_INVALID', `The body ${what}`)
}
