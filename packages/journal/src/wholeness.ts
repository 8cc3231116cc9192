/** Which of the checkpoints that are kept has lost the fewest of its folders. */
import type { GetBlock } from '@ipfs-kit/ipfs/unixfs'
import { JournalError } from './errors.ts'
import type { Kept } from './kept.ts'
import { readMarks } from './marks/marks-blocks.ts'
import type { KeptTree } from './record.ts'
import type { Unfit } from './recovery.ts'
import { walkTree } from './tree-walk.ts'
import { Folder } from './tree/folder.ts'
import type { TreeDamage, TreeVerified } from './versions.ts'

/** What the folders of a checkpoint are like. */
export interface Wholeness {
  readonly verified: TreeVerified
  /** The first of what is wrong. */
  readonly damages: readonly TreeDamage[]
}

const namedDamages = 1000

/** Looks through the folders of a checkpoint, and reads its attributes and mounts. */
export async function wholenessOf({ root, dagBytes, marks }: KeptTree, get: GetBlock): Promise<Wholeness> {
  const damages: TreeDamage[] = []
  const walk = walkTree(new Folder({ cid: root, dagBytes }, undefined), { get, isShallow: true })
  for (;;) {
    const { done, value } = await walk.next()
    if (done !== true) {
      if (damages.length < namedDamages) damages.push(value)
      continue
    }
    if (marks === undefined || (await isReadable(() => readMarks(marks, get))))
      return { verified: value, damages }
    const problem = 'missing'
    return {
      verified: { ...value, missing: value.missing + 1 },
      damages: [{ path: '/', cid: marks, problem }, ...damages],
    }
  }
}

async function isReadable(read: () => Promise<unknown>): Promise<boolean> {
  try {
    await read()
    return true
  } catch (error) {
    if (error instanceof JournalError && error.code === 'JOURNAL_BLOCK_MISSING') return false
    throw error
  }
}

/**
 * The checkpoints that are newer than the one with the fewest losses; none if that is the newest.
 *
 * @param newest - what the newest is like
 * @param hasBeginning - whether the log leads to the tree without any of them
 */
export async function unfitOf(
  { checkpoints }: Kept,
  newest: Wholeness,
  hasBeginning: boolean,
  get: GetBlock,
): Promise<Unfit> {
  let least = lossesOf(newest)
  let best = 0
  for (let at = 1; at < checkpoints.length && least > 0; at += 1) {
    const losses = lossesOf(await wholenessOf(checkpoints[at]!, get))
    if (losses < least) [least, best] = [losses, at]
  }
  if (least > 0 && hasBeginning) best = checkpoints.length
  const reason = (sequence: number) =>
    new JournalError('JOURNAL_BLOCK_MISSING', `The checkpoint ${sequence} has lost blocks of its folders`)
  return new Map(checkpoints.slice(0, best).map(({ sequence }) => [sequence, reason(sequence)]))
}

function lossesOf({ verified }: Wholeness): number {
  return verified.missing + verified.invalid
}
