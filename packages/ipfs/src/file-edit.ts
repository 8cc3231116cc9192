/** Builds files, writes into them and cuts them, each by its CID. */
import type { CID } from 'multiformats/cid'
import { changeFile, writing, type BuildFileOptions, type EditFileOptions } from './file-change.ts'
import type { FilePart } from './file-layout.ts'
import { fileFields } from './metadata.ts'

/** Bytes, or a stream of them, each of whose pieces is copied before the next one is asked for. */
export type FileBytes = Uint8Array | AsyncIterable<Uint8Array>

/**
 * Stores a file, with the mode and the time that are given. It has the CID that an add gives it.
 *
 * @returns when all its blocks are stored
 * @throws what `put` and the content throw, the reason of the signal; TypeError, RangeError for options
 */
export async function buildFile(content: FileBytes, options: BuildFileOptions): Promise<FilePart> {
  return writing(
    options,
    async ({ files }) => (await files.any(content, fileFields(undefined, options))).file,
  )
}

/**
 * Writes into a file. Beyond its end it grows; a gap in between is filled with zeros; without any bytes to write it stays as it is.
 * Leaves that are written in part are read, the others keep their CIDs unread. If all leaves but the last have `chunkBytes`, as
 * those of an add, the CID is that of the resulting bytes added anew; leaves of other sizes stay as they are where they are not
 * touched. Mode and time are those of the base unless others are given; `null` takes them away. Memory: the CID of each leaf, and
 * those that are under way.
 *
 * @throws IpfsError what `get` throws; IPFS_NOT_A_FILE, IPFS_INVALID_NODE; IPFS_DAG_TOO_LARGE for more than 4,194,304 leaves
 * @throws RangeError for an offset that is no whole number from 0; and as {@link buildFile}
 */
export async function editFile(
  base: CID,
  { offset, content }: { readonly offset: number; readonly content: FileBytes },
  options: EditFileOptions,
): Promise<FilePart> {
  checkBytes('offset', offset)
  const pieces = piecesOf(content)
  try {
    const first = await pieces.next()
    const change =
      first.done === true
        ? undefined
        : { keep: offset, fillTo: offset, pieces: all(first.value, pieces), rest: 'kept' as const }
    return await changeFile(base, () => change, options)
  } finally {
    await pieces.return()
  }
}

/**
 * Cuts a file to a size, or fills it up to it with zeros. What is said of {@link editFile} holds here too.
 *
 * @throws as {@link editFile}
 */
export async function truncateFile(base: CID, size: number, options: EditFileOptions): Promise<FilePart> {
  checkBytes('size', size)
  return changeFile(
    base,
    (now) => (size === now ? undefined : { keep: size, fillTo: size, pieces: nothing(), rest: 'cut' }),
    options,
  )
}

function checkBytes(what: string, bytes: number): void {
  if (Number.isSafeInteger(bytes) && bytes >= 0) return
  throw new RangeError(`${what} is a whole number of bytes from 0, not ${bytes}`)
}

/** The pieces of a content that have bytes. */
async function* piecesOf(content: FileBytes): AsyncGenerator<Uint8Array, void, undefined> {
  if (!(content instanceof Uint8Array)) {
    for await (const piece of content) if (piece.byteLength > 0) yield piece
  } else if (content.byteLength > 0) yield content
}

async function* all(
  first: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield first
  yield* rest
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}
