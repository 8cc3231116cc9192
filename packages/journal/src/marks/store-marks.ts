/** Stores marks by themselves: those of a checkpoint that has lost them. */
import { storeFailure } from '../failure.ts'
import type { TreeBlocks } from '../open-journal.ts'
import type { Marks } from './marks.ts'
import { writeMarks } from './marks-blocks.ts'

/** Their blocks are the same as before: whatever names them has them again. @throws JournalError */
export async function storeMarks(marks: Marks | undefined, blocks: TreeBlocks): Promise<void> {
  try {
    using lease = blocks.lease({ name: 'attributes of a journal' })
    await writeMarks(marks, (cid, bytes) => lease.put(cid, bytes, { verify: 'on-read' }))
    await lease.flush()
  } catch (cause) {
    throw storeFailure(cause, 'store the attributes')
  }
}
