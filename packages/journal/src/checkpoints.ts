/** Checkpoints and recoveries as users see them. */
import type { Finding } from '@ipfs-kit/wal'
import type { Checkpoint, Recovery } from './journal.ts'
import type { KeptTree } from './record.ts'
import type { Recovered } from './recovery.ts'

export function shownCheckpoint({ root, sequence, at }: KeptTree): Checkpoint {
  return Object.freeze({ cid: root, sequence, at })
}

export function shownRecovery(
  { kept, changes, dropped, passed, marksLost }: Recovered,
  findings: readonly Finding[],
): Recovery {
  const [checkpoint] = kept.checkpoints
  return Object.freeze({
    ...(checkpoint && { checkpoint: shownCheckpoint(checkpoint) }),
    changes,
    dropped,
    passed: passed.map((one) =>
      Object.freeze({ checkpoint: shownCheckpoint(one.checkpoint), reason: one.reason }),
    ),
    ...(marksLost && { attributesLost: marksLost }),
    findings,
  })
}
