/** Trees that are looked at: by a name, a number or a CID, or the live one as it is at that moment. */
import { describeNode, type GetBlock, type NodeDescription } from '@ipfs-kit/ipfs/unixfs'
import { CID } from 'multiformats/cid'
import { JournalError } from './errors.ts'
import { storeFailure } from './failure.ts'
import type { LoggedTree } from './logged-tree.ts'
import { readMarks } from './marks/marks-blocks.ts'
import type { NamedTree } from './record.ts'
import { snapshotNamed } from './snapshots.ts'
import { Tree } from './tree/tree.ts'
import type { TreeReference } from './versions.ts'

/** A tree whose blocks stay until it is disposed of. It does not change. */
export interface HeldTree extends Disposable {
  readonly tree: Tree
}

/** @throws JournalError JOURNAL_VERSION_UNKNOWN, JOURNAL_NOT_A_FOLDER, JOURNAL_BLOCK_MISSING, JOURNAL_CLOSED; TypeError */
export async function holdTree(
  live: LoggedTree,
  reference: TreeReference,
  signal: AbortSignal | undefined,
): Promise<HeldTree> {
  await live.whole(signal)
  signal?.throwIfAborted()
  const { get } = live
  if (reference === 'live') {
    const { root, marks } = live.live
    const tree = new Tree(root.copy(0), get, marks)
    return { tree, ...live.held.hold(tree.root.roots()) }
  }
  const cid = CID.asCID(reference)
  const { root, dagBytes, marks } = cid === null ? keptTree(live, reference as object) : { root: cid }
  using stack = new DisposableStack()
  stack.use(live.held.hold(marks === undefined ? [root] : [root, marks]))
  const node = await describe(root, (cid) => get(cid, signal))
  if (node.kind !== 'directory') throw new JournalError('JOURNAL_NOT_A_FOLDER', `${root} is no folder`)
  const base = { cid: root, dagBytes: dagBytes ?? node.dagBytes }
  const tree = new Tree(base, get, await readMarks(marks, (cid) => get(cid, signal)))
  const held = stack.move()
  return { tree, [Symbol.dispose]: () => held.dispose() }
}

async function describe(root: CID, get: GetBlock): Promise<NodeDescription> {
  try {
    return describeNode(root, await get(root))
  } catch (cause) {
    throw storeFailure(cause, 'look at a folder')
  }
}

function keptTree({ kept }: LoggedTree, reference: object): Omit<NamedTree, 'name'> {
  if ('snapshot' in reference) return snapshotNamed(kept.snapshots, String(reference.snapshot))
  if (!('checkpoint' in reference)) throw new TypeError('A tree is live, a snapshot, a checkpoint, or a CID')
  const found = kept.checkpoints.find(({ sequence }) => sequence === reference.checkpoint)
  if (found !== undefined) return found
  throw new JournalError('JOURNAL_VERSION_UNKNOWN', `No checkpoint ${String(reference.checkpoint)} is kept`)
}
