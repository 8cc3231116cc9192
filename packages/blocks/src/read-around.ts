/** Reads files around sectors that the disk cannot read: zeros stand for these, which no checksum takes for content. */
import { DiskError, type DiskFile } from '@ipfs-kit/disk'

/** A piece of a file. */
export interface Piece {
  readonly offset: number
  readonly bytes: number
}

/** In what cannot be read as a whole, these pieces are tried: each of the former in those of the next. */
const pieceBytes = [65_536, 4096, 512]
/** After so many failures in a file its pieces are not divided any more: a disk may take seconds for each. */
const maxFailures = 256

/** Whether the disk failed to read. Other errors concern more than a sector. */
export function isUnreadable(error: unknown): boolean {
  if (error instanceof DiskError) return error.code === 'DISK_IO'
  return error instanceof Error && error.cause instanceof DiskError && error.cause.code === 'DISK_IO'
}

/** What `read` resolves to, at the second try if the disk fails to read at the first. */
export async function readAgain<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (!isUnreadable(error)) throw error
    return read()
  }
}

/** The same; `undefined` if the disk fails at the second as well. */
export async function tryTwice<T>(read: () => Promise<T>): Promise<T | undefined> {
  return tryOnce(() => readAgain(read))
}

/** What `read` resolves to; `undefined` if the disk fails to read. */
export async function tryOnce<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (!isUnreadable(error)) throw error
    return undefined
  }
}

/** The sectors of one file that could not be read. */
export class Unreadable {
  /** In the order in which they were met; those that touch are one. */
  readonly pieces: Piece[] = []
  #failures = 0

  /** Fills a buffer like `read` of a file. Every byte was tried at least twice before it is given up. @throws DiskError other than DISK_IO */
  async read(file: Pick<DiskFile, 'read'>, into: Uint8Array, position: number): Promise<number> {
    const read = await tryOnce(() => file.read(into, position))
    return read ?? this.#readPieces(file, into, position, 0)
  }

  /** Whether some bytes are among them, in whole or in part. */
  overlaps({ offset, bytes }: Piece): boolean {
    return this.pieces.some((piece) => piece.offset < offset + bytes && offset < piece.offset + piece.bytes)
  }

  async #readPieces(
    file: Pick<DiskFile, 'read'>,
    into: Uint8Array,
    position: number,
    level: number,
  ): Promise<number> {
    const step = pieceBytes[level]!
    for (let at = 0; at < into.length;) {
      const length = Math.min(step - ((position + at) % step), into.length - at)
      const piece = into.subarray(at, at + length)
      const where = { offset: position + at, bytes: length }
      const read = await this.#readPiece(file, piece, where, level)
      if (read < length) return at + read
      at += length
    }
    return into.length
  }

  async #readPiece(
    file: Pick<DiskFile, 'read'>,
    piece: Uint8Array,
    where: Piece,
    level: number,
  ): Promise<number> {
    // What was given up is not asked for again.
    const read = this.#covers(where) ? undefined : await tryOnce(() => file.read(piece, where.offset))
    if (read !== undefined) return read
    if (!this.#covers(where)) {
      this.#failures += 1
      const isLast = level === pieceBytes.length - 1 || this.#failures > maxFailures
      if (!isLast) return this.#readPieces(file, piece, where.offset, level + 1)
      this.#giveUp(where)
    }
    piece.fill(0)
    return piece.length
  }

  #covers({ offset, bytes }: Piece): boolean {
    return this.pieces.some((piece) => piece.offset <= offset && offset + bytes <= piece.offset + piece.bytes)
  }

  #giveUp({ offset, bytes }: Piece): void {
    const last = this.pieces.at(-1)
    const touches = last !== undefined && last.offset <= offset && offset <= last.offset + last.bytes
    if (!touches) this.pieces.push({ offset, bytes })
    else {
      const end = Math.max(last.offset + last.bytes, offset + bytes)
      this.pieces[this.pieces.length - 1] = { offset: last.offset, bytes: end - last.offset }
    }
  }
}

/** A file that is read around what cannot be read. */
export interface FileAround extends Pick<DiskFile, 'read' | 'path'> {
  readonly unreadable: Unreadable
}

export function readingAround(file: Pick<DiskFile, 'read' | 'readNow' | 'path'>): FileAround {
  const unreadable = new Unreadable()
  const prompt = {
    read: async (into: Uint8Array, position: number) =>
      file.readNow(into, position) ?? file.read(into, position),
  }
  return {
    path: file.path,
    unreadable,
    read: (into, position) => unreadable.read(prompt, into, position),
  }
}
