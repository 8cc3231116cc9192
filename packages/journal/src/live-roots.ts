/** The roots of what is in the live tree, and of what a recovery may bring back into it. */
import type { CID } from 'multiformats/cid'
import { mountsBelow } from './marks/marks.ts'
import { type Entry, Folder } from './tree/folder.ts'
import type { Tree } from './tree/tree.ts'

/** @param unanswered - what changes have taken out that the log has not answered yet */
export function liveRoots({ root, marks }: Tree, unanswered: readonly Entry[]): CID[] {
  const roots = [...root.roots()]
  for (const { mount } of mountsBelow(marks, [])) roots.push(mount.cid)
  for (const entry of unanswered) {
    if (!(entry instanceof Folder)) roots.push(entry.cid)
    else for (const cid of entry.roots()) roots.push(cid)
  }
  return roots
}
