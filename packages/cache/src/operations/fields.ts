/** Input and output fields that several operations share. */
import { z } from 'zod'

/** A number of things. */
export const count = z.number().int()

/** A key. */
export const key = z.string().min(1).describe('key of the value: a CID where the tiers have blocks')

const used = z.object({ entries: count, bytes: count })

/** What a tier holds. */
export const usage = used.extend({
  maxBytes: count.optional().describe('Bytes that it may hold'),
  byMediaType: z.record(z.string(), used).optional(),
  byAge: z.record(z.string(), used).optional().describe('Younger than each, and not than the one before'),
})

/** The state of the circuit breaker of a tier. */
export const breakerState = z
  .enum(['closed', 'open', 'half-open'])
  .describe('closed: the tier is asked; open: it is left alone; half-open: it is being probed')
