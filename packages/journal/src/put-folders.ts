/**
 * Folders that came by their CIDs since the oldest checkpoint. A recovery does again what was done with them, also where nothing
 * is left of them in the tree: until then their blocks are needed.
 */
import type { CID } from 'multiformats/cid'
import type { ChangeRecord } from './record.ts'

export class PutFolders {
  #puts: { readonly sequence: number; readonly cid: CID }[] = []

  note({ sequence, steps }: Pick<ChangeRecord, 'sequence' | 'steps'>): void {
    for (const step of steps) {
      if (step.step === 'put' && step.kind === 'directory') this.#puts.push({ sequence, cid: step.cid })
    }
  }

  /** No recovery begins before this change any more. */
  forgetUpTo(sequence: number): void {
    this.#puts = this.#puts.filter((put) => put.sequence > sequence)
  }

  roots(): CID[] {
    return this.#puts.map(({ cid }) => cid)
  }
}
