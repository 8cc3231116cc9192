/** Marks as blocks: a list of paths in pieces, and a block that links to them. See FORMAT.md. */
import * as dagCbor from '@ipld/dag-cbor'
import type { GetBlock } from '@ipfs-kit/ipfs/unixfs'
import { CID } from 'multiformats/cid'
import { sha256 } from 'multiformats/hashes/sha2'
import { JournalError } from '../errors.ts'
import { namesOf, pathOf } from '../path.ts'
import { type Mark, type Marks, marksBelow, marksOf } from './marks.ts'

interface Row {
  readonly path: string
  readonly attributes?: Readonly<Record<string, string>>
  readonly mount?: { readonly cid: CID; readonly writable: boolean }
  readonly tier?: string
}

const version = 1
/** Paths of one piece: with the most and longest attributes still a block of a few MiB at most. */
const maxRows = 1000
const maxPieceBytes = 256 * 1024

/** Writes marks and gives the CID of their root; nothing if there are none. */
export async function writeMarks(
  marks: Marks | undefined,
  put: (cid: CID, bytes: Uint8Array) => Promise<unknown>,
): Promise<CID | undefined> {
  if (marks === undefined) return undefined
  const pieces: CID[] = []
  let rows: Row[] = []
  let bytes = 0
  const write = async (): Promise<void> => {
    pieces.push(await stored({ rows }, put))
    rows = []
    bytes = 0
  }
  for (const { names, mark } of marksBelow(marks, [])) {
    const row = rowOf(pathOf(names), mark)
    rows.push(row)
    bytes += sizeOf(row)
    if (rows.length >= maxRows || bytes >= maxPieceBytes) await write()
  }
  if (rows.length > 0) await write()
  return await stored({ version, pieces }, put)
}

/** Reads what {@link writeMarks} has written. @throws JournalError JOURNAL_DAMAGED, JOURNAL_BLOCK_MISSING, JOURNAL_FORMAT_TOO_NEW */
export async function readMarks(root: CID | undefined, get: GetBlock): Promise<Marks | undefined> {
  if (root === undefined) return undefined
  const head = decoded<{ readonly version: number; readonly pieces: readonly CID[] }>(root, await get(root))
  if (head.version > version) {
    throw new JournalError(
      'JOURNAL_FORMAT_TOO_NEW',
      `The attributes ${root} have version ${head.version}; this is version ${version}`,
    )
  }
  const rows: Row[] = []
  for (const piece of head.pieces) {
    for (const row of decoded<{ readonly rows: readonly Row[] }>(piece, await get(piece)).rows) rows.push(row)
  }
  return marksOf(rows.map(({ path, ...mark }) => ({ names: namesOf(path), mark: markOf(mark) })))
}

function rowOf(path: string, { attributes, mount, tier }: Mark): Row {
  return {
    path,
    ...(attributes !== undefined && { attributes }),
    ...(mount !== undefined && { mount: { cid: mount.cid, writable: mount.isWritable } }),
    ...(tier !== undefined && { tier }),
  }
}

function markOf({ attributes, mount, tier }: Omit<Row, 'path'>): Mark {
  return {
    ...(attributes !== undefined && { attributes }),
    ...(mount !== undefined && { mount: { cid: mount.cid, isWritable: mount.writable } }),
    ...(tier !== undefined && { tier }),
  }
}

function sizeOf({ path, attributes = {} }: Row): number {
  return Object.entries(attributes)
    .flat()
    .reduce((sum, text) => sum + text.length, path.length)
}

async function stored(value: unknown, put: (cid: CID, bytes: Uint8Array) => Promise<unknown>): Promise<CID> {
  const bytes = dagCbor.encode(value)
  const cid = CID.createV1(dagCbor.code, await sha256.digest(bytes))
  await put(cid, bytes)
  return cid
}

/** Blocks are what their CIDs say: written by `stored`, if the record that names them was. */
function decoded<T>(cid: CID, bytes: Uint8Array): T {
  try {
    return dagCbor.decode<T>(bytes)
  } catch (cause) {
    throw new JournalError('JOURNAL_DAMAGED', `The block ${cid} holds no attributes`, { cause })
  }
}
