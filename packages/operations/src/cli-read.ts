/** Reads regular files for an upload, and notices when they change under way. */
import { constants } from 'node:fs'
import { type FileHandle, lstat, open } from 'node:fs/promises'
import { isSystemError, systemMessage } from './cli-errors.ts'
import { EntryReadError } from './entry-read-error.ts'

/** Why a file or folder does not get into an upload: the codes of its failed item. The README's table is held equal to it. */
export const walkFailures = {
  WALK_MISSING: 'a path that was named does not exist',
  WALK_VANISHED: 'it was listed and is gone',
  WALK_CHANGED: 'it changed while it was read',
  WALK_UNREADABLE: 'it cannot be read, for a reason that the system names',
  WALK_NOT_A_FILE: 'it is a socket, a pipe or a device',
  WALK_LOOP: 'it is a link back to a folder that it lies in, or to itself',
  WALK_HOME: 'it is the home of the node itself, with its token and its store',
  WALK_DANGLING: 'it is a link to nothing',
  WALK_NAME: 'its name is not UTF-8, ends with a backslash, or its path is too long',
} as const

/** Codes of the failed items of an upload. */
export type WalkFailureCode = keyof typeof walkFailures

/** Files of at most this size are read whole; larger ones in pieces of this size. */
export const pieceBytes = 1_048_576

/** Makes the error of an item. */
export function walkFailure(code: WalkFailureCode, message: string, cause?: unknown): EntryReadError {
  return new EntryReadError(code, message, { cause })
}

/** Turns what the system says about a listed path into the error of its item. */
export async function toWalkFailure(error: unknown, path: string): Promise<EntryReadError> {
  if (error instanceof EntryReadError) return error
  if (!isSystemError(error)) return walkFailure('WALK_UNREADABLE', 'It cannot be read', error)
  if (error.code === 'ELOOP') return walkFailure('WALK_LOOP', 'The link leads back to itself', error)
  if (error.code === 'ENXIO') return walkFailure('WALK_NOT_A_FILE', walkFailures.WALK_NOT_A_FILE, error)
  if (error.code === 'ENOENT') {
    try {
      await lstat(path)
    } catch (cause) {
      const isGone = isSystemError(cause) && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')
      return isGone ? walkFailure('WALK_VANISHED', 'It is gone', error) : toWalkFailure(cause, path)
    }
    return walkFailure('WALK_DANGLING', 'The link leads to nothing', error)
  }
  return walkFailure('WALK_UNREADABLE', `It cannot be read: ${systemMessage(error)}`, error)
}

/**
 * Opens a regular file.
 *
 * @returns its bytes, or `undefined` when it has more than {@link pieceBytes}: then {@link readPieces} reads it
 * @throws EntryReadError
 */
export async function readWhole(path: string): Promise<Uint8Array | undefined> {
  let opened: OpenFile | undefined
  try {
    opened = await openFile(path)
    const { handle, size } = opened
    if (size > pieceBytes) return undefined
    // One byte more than there should be: a short read is the end of the file, a full one says that it has grown.
    const bytes = Buffer.allocUnsafeSlow(size + 1)
    const { bytesRead } = await handle.read(bytes, 0, size + 1, 0)
    await checkUnchanged(opened, bytesRead)
    return bytes.subarray(0, size)
  } catch (error) {
    throw await toWalkFailure(error, path)
  } finally {
    await opened?.handle.close()
  }
}

/**
 * Reads a regular file in pieces of {@link pieceBytes}, the next one while the reader works on the last. It is opened
 * when the first piece is asked for.
 *
 * @throws EntryReadError
 */
export async function* readPieces(path: string): AsyncGenerator<Uint8Array> {
  let opened: OpenFile | undefined
  let ahead: Promise<Piece> | undefined
  try {
    opened = await openFile(path)
    const { handle } = opened
    let position = 0
    ahead = readPiece(handle, position)
    for (;;) {
      const piece = await ahead
      if ('error' in piece) throw piece.error
      if (piece.bytes.length === 0) break
      position += piece.bytes.length
      ahead = readPiece(handle, position)
      yield piece.bytes
    }
    await checkUnchanged(opened, position)
  } catch (error) {
    throw await toWalkFailure(error, path)
  } finally {
    await ahead
    await opened?.handle.close()
  }
}

type Piece = { readonly bytes: Uint8Array } | { readonly error: unknown }

/** Never rejects: nobody may be waiting yet. */
async function readPiece(handle: FileHandle, position: number): Promise<Piece> {
  try {
    const buffer = Buffer.allocUnsafeSlow(pieceBytes)
    const { bytesRead } = await handle.read(buffer, 0, pieceBytes, position)
    return { bytes: buffer.subarray(0, bytesRead) }
  } catch (error) {
    return { error }
  }
}

interface OpenFile {
  readonly handle: FileHandle
  readonly size: number
  readonly modifiedNs: bigint
}

async function openFile(path: string): Promise<OpenFile> {
  // Without O_NONBLOCK the opening of a pipe that has taken the place of the file would wait for ever.
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  try {
    const stats = await handle.stat({ bigint: true })
    if (!stats.isFile()) throw walkFailure('WALK_NOT_A_FILE', 'It is not a regular file any more')
    return { handle, size: Number(stats.size), modifiedNs: stats.mtimeNs }
  } catch (error) {
    await handle.close()
    throw error
  }
}

async function checkUnchanged({ handle, size, modifiedNs }: OpenFile, bytesRead: number): Promise<void> {
  const stats = await handle.stat({ bigint: true })
  if (bytesRead !== size || Number(stats.size) !== size || stats.mtimeNs !== modifiedNs) {
    throw walkFailure('WALK_CHANGED', 'It changed while it was read')
  }
}
