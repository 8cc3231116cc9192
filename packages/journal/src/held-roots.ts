/** The roots of what somebody looks at: until that is over their blocks stay. */
import type { CID } from 'multiformats/cid'
import type { TreeBlocks } from './open-journal.ts'

export class HeldRoots {
  readonly #blocks: Pick<TreeBlocks, 'noteRetained'>
  readonly #held = new Set<readonly CID[]>()

  constructor(blocks: Pick<TreeBlocks, 'noteRetained'>) {
    this.#blocks = blocks
  }

  hold(roots: Iterable<CID>): Disposable {
    const held = [...roots]
    this.#held.add(held)
    this.#blocks.noteRetained(held)
    return {
      [Symbol.dispose]: () => {
        this.#held.delete(held)
      },
    }
  }

  roots(): CID[] {
    return [...this.#held].flat()
  }
}
