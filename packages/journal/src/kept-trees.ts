/** What is kept besides the live tree, while it changes. */
import type { CID } from 'multiformats/cid'
import { type Kept, rootsOfKept } from './kept.ts'
import type { Marks } from './marks/marks.ts'
import type { PutFolders } from './put-folders.ts'
import type { KeptTree } from './record.ts'
import type { Recovered } from './recovery.ts'

export class KeptTrees {
  /** Attributes and mounts of the newest checkpoint. */
  marks: Marks | undefined
  readonly putFolders: PutFolders
  #now: Kept
  /** What a record tells of that the log has not answered yet. */
  #next: Kept | undefined

  constructor({ kept, keptMarks, putFolders }: Pick<Recovered, 'kept' | 'keptMarks' | 'putFolders'>) {
    this.#now = kept
    this.marks = keptMarks
    this.putFolders = putFolders
  }

  /** As the log tells of it. */
  get now(): Kept {
    return this.#now
  }

  get newest(): KeptTree | undefined {
    return this.#now.checkpoints[0]
  }

  /** Until the log has answered that it has the record of it a recovery may find both. */
  async replace(next: Kept, logged: () => Promise<unknown>): Promise<void> {
    this.#next = next
    await logged()
    this.#now = next
    this.#next = undefined
  }

  roots(): CID[] {
    const next = this.#next === undefined ? [] : rootsOfKept(this.#next)
    return [...rootsOfKept(this.#now), ...next, ...this.putFolders.roots()]
  }
}
