/** What is at a path, as users see it. */
import { describeNode, type GetBlock } from '@ipfs-kit/ipfs/unixfs'
import { checkMetadata } from './checks.ts'
import type { Stat } from './journal.ts'
import type { Mark } from './marks/marks.ts'
import { type Entry, Folder } from './tree/folder.ts'

/** What an entry is, with what its path carries. @throws JournalError JOURNAL_BLOCK_MISSING */
export async function statOf(
  { entry, mark }: { readonly entry: Entry; readonly mark: Mark },
  get: GetBlock,
): Promise<Stat> {
  return { ...(await describe(entry, get)), ...shownMark(mark) }
}

/** As a block says it that says nothing of it. */
const newFolder = { mode: 0o755, mtime: undefined }

async function describe(entry: Entry, get: GetBlock): Promise<Stat> {
  if (entry instanceof Folder) {
    const { base, isChanged, newMetadata } = entry
    const written = base === undefined ? newFolder : describeNode(base.cid, await get(base.cid))
    const { mode, mtime } = { ...written, ...newMetadata }
    return {
      kind: 'directory',
      ...(isChanged || base === undefined ? {} : base),
      ...checkMetadata({ mode, mtime }),
    }
  }
  const { kind, cid, dagBytes } = entry
  if (kind === 'unknown') return { kind, cid, dagBytes }
  const { size, mode, mtime } = describeNode(cid, await get(cid))
  return { kind, cid, dagBytes, size, ...checkMetadata({ mode, mtime }) }
}

function shownMark({ attributes, mount }: Mark): Pick<Stat, 'attributes' | 'mount'> {
  return {
    ...(attributes !== undefined && { attributes }),
    ...(mount !== undefined && { mount: { cid: mount.cid, writable: mount.isWritable } }),
  }
}
