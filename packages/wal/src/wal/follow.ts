/** Follows operations: what has changed since an LSN of the past, and then what changes from now on, without a gap. */
import { catchUp } from './catch-up.ts'
import { Follower, wants, type FollowFilter, type Followers } from './followers.ts'
import type { Ledger } from './ledger.ts'
import type { MissedChanges, OperationChange } from './wal.ts'

/** What following needs of the log. */
export interface FollowSource {
  readonly ledger: Ledger
  readonly followers: Followers
}

/** @param most - changes that may wait for who follows */
export async function* follow(
  { ledger, followers }: FollowSource,
  filter: FollowFilter,
  from: number | undefined,
  most: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<OperationChange | MissedChanges, void, undefined> {
  const follower = new Follower(filter, most)
  using _following = followers.add(follower)
  // Everything behind that is given to the follower.
  const { through } = followers
  const { nextLsn } = ledger.store.log.stats()
  // What was known is of more than the log has, such as of one that was put back from a copy.
  if (from !== undefined && from > nextLsn) yield { missedAfter: 0, missedThrough: nextLsn - 1 }
  if (from !== undefined && from <= through) {
    for await (const change of catchUp(ledger, from, through, signal)) {
      if ('missedAfter' in change || wants(filter, change)) yield change
    }
  }
  for (;;) {
    const change = await follower.next(signal)
    if (change === undefined) return
    yield change
  }
}
