/** What an opening, or a recovery that was asked for, has recovered: on the way out, and as lines. */
import { z } from 'zod'
import type { Recovery } from '../journal.ts'
import { checkpoint, checkpointOf, count, failure, failureOf } from './fields.ts'

export const recovered = z.object({
  checkpoint: checkpoint.optional().describe('from which it went on'),
  changes: count.describe('changes that were done again'),
  dropped: count.describe('changes that followed one that had failed or is lost, and so were left out'),
  passed: z
    .array(z.object({ checkpoint, reason: failure }))
    .describe('newer checkpoints that were not whole: they are not kept any more'),
  attributesLost: failure
    .optional()
    .describe('why attributes, mounts and pins to tiers are lost, if they are'),
  findings: z
    .array(z.object({ kind: z.string(), segment: z.string(), offset: count, bytes: count }))
    .describe('what of the log was not as it was written; a torn-tail is what a crash leaves'),
})

/** What a {@link Recovery} is on the way out. */
export function recoveredBy(recovery: Recovery): z.output<typeof recovered> {
  const { checkpoint: from, changes, dropped, passed, attributesLost, findings } = recovery
  return {
    ...(from !== undefined && { checkpoint: checkpointOf(from) }),
    ...{ changes, dropped },
    passed: passed.map((one) => ({
      checkpoint: checkpointOf(one.checkpoint),
      reason: failureOf(one.reason),
    })),
    ...(attributesLost !== undefined && { attributesLost: failureOf(attributesLost) }),
    findings: findings.map(({ kind, segment, offset, bytes }) => ({ kind, segment, offset, bytes })),
  }
}

/** What was done, and what is not as it was left. */
export function recoveredLines(recovery: z.output<typeof recovered>): string[] {
  const { changes, dropped, passed, attributesLost, findings } = recovery
  return [
    `${changes} changes done again, ${dropped} left out`,
    ...passed.map(({ checkpoint: { cid }, reason }) => `passed by checkpoint ${cid}: ${reason.message}`),
    ...(attributesLost === undefined ? [] : [`attributes are lost: ${attributesLost.message}`]),
    ...findings.map(
      ({ kind, segment, offset, bytes }) => `${kind} in ${segment} at byte ${offset}, ${bytes} bytes`,
    ),
  ]
}
