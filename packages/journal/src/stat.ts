/** Tells what an entry of the tree is. */
import { describeNode, type GetBlock } from '@ipfs-kit/ipfs/unixfs'
import { JournalError } from './errors.ts'
import { storeFailure } from './failure.ts'
import type { Stat } from './journal.ts'
import type { Mark } from './marks/marks.ts'
import { type Entry, Folder } from './tree/folder.ts'

/** The mode of a folder that carries none. */
const folderMode = 0o755

/** What an entry is, with what its path carries. @throws JournalError JOURNAL_BLOCK_MISSING, JOURNAL_INVALID_DAG */
export async function statOf(
  { entry, mark }: { readonly entry: Entry; readonly mark: Mark },
  get: GetBlock,
  signal: AbortSignal | undefined,
): Promise<Stat> {
  return { ...(await described(entry, get, signal)), ...shownMark(mark) }
}

async function described(entry: Entry, get: GetBlock, signal: AbortSignal | undefined): Promise<Stat> {
  try {
    return entry instanceof Folder ? await ofFolder(entry) : await ofLeaf(entry)
  } catch (cause) {
    throw storeFailure(cause, 'look at a block')
  }

  async function ofFolder({ base, isChanged, newMetadata }: Folder): Promise<Stat> {
    const written = base && describeNode(base.cid, await get(base.cid, signal))
    const { mode, mtime } = { ...written, ...newMetadata }
    return {
      kind: 'directory',
      ...(isChanged || base === undefined ? {} : base),
      mode: mode ?? folderMode,
      ...(mtime && { mtime }),
    }
  }

  async function ofLeaf({ kind, cid, dagBytes }: Exclude<Entry, Folder>): Promise<Stat> {
    if (kind === 'unknown') return { kind, cid, dagBytes }
    const { size, mode, mtime } = describeNode(cid, await get(cid, signal))
    return { kind, cid, dagBytes, size, ...(mode !== undefined && { mode }), ...(mtime && { mtime }) }
  }
}

/** The same for a list, which a block that is missing or makes no sense does not end. */
export async function statForList(
  { entry, mark }: { readonly entry: Entry; readonly mark: Mark },
  get: GetBlock,
  signal: AbortSignal | undefined,
): Promise<Stat> {
  try {
    return await statOf({ entry, mark }, get, signal)
  } catch (error) {
    if (!(error instanceof JournalError && endsNoList.includes(error.code))) throw error
    return { ...briefStatOf(entry), ...shownMark(mark) }
  }
}

const endsNoList: readonly string[] = ['JOURNAL_BLOCK_MISSING', 'JOURNAL_INVALID_DAG']

/** What is known without a look at its block. */
export function briefStatOf(entry: Entry): Stat {
  if (!(entry instanceof Folder)) return { kind: entry.kind, cid: entry.cid }
  return { kind: 'directory', ...(entry.isChanged ? {} : { cid: entry.base!.cid }) }
}

/** The same, so that two are equal that tell the same: their CIDs and times may be made of other things. */
export function comparableStat({ cid, mount, mtime, ...stat }: Stat) {
  return {
    ...stat,
    cid: cid?.toString(),
    mount: mount && { ...mount, cid: mount.cid.toString() },
    mtime: mtime && [mtime.secs, mtime.nsecs ?? 0],
  }
}

/** What a path carries. */
function shownMark({ attributes, mount, tier }: Mark): Pick<Stat, 'attributes' | 'mount' | 'tier'> {
  return {
    ...(attributes !== undefined && { attributes }),
    ...(mount !== undefined && { mount: { cid: mount.cid, writable: mount.isWritable } }),
    ...(tier !== undefined && { tier }),
  }
}
