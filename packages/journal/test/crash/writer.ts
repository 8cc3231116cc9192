/** Who changes a journal in the lives that crash. */
import { random } from '@ipfs-kit/concurrency'

/** What is in a folder: paths with their texts. */
export type State = ReadonlyMap<string, string>

/** Somebody who changes a folder of their own, one change after the other, and knows what has to be there. */
export interface Writer {
  readonly folder: string
  /** After all that was answered. */
  state: State
  /** If the last change was not answered. */
  maybe: State | undefined
  /** Number of the next text. */
  next: number
  /** What was in the folder when each was made. */
  readonly snapshots: Map<string, State>
  /** Of those whose making or removal was not answered. */
  readonly unsure: Map<string, State>
}

/** A change that can be done, and what is there after it. */
export interface Change {
  readonly state: State
  readonly change: () => Promise<void>
}

/** A whole number from 0, below a limit, by the seed of the run. */
export function whole(below: number): number {
  return Math.floor(random() * below)
}
