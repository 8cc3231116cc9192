/** What a schema has found wrong, for a message. */
import type { z } from 'zod'

/** Problems that are told at most. */
const most = 10

/** Each problem with where it is, such as `cid: Invalid input`. */
export function problemsIn({ issues }: z.ZodError): string {
  const told = issues
    .slice(0, most)
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
  return told.join('; ')
}
