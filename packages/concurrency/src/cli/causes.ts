/** What an error of a run is made of, for those who read it: its own stack rarely holds the line that threw. */
import { inspect } from 'node:util'

/** Something thrown, as plain data. */
interface Plain {
  readonly name: string | undefined
  readonly code: unknown
  readonly message: string
  readonly stack: string | undefined
}

/** The most causes that are told of one failure. */
const mostCauses = 20

/** The errors of an AggregateError and the causes, of those too, each once, from the outside in; and how many more there are. */
export function causesOf(error: unknown): { readonly causes: readonly unknown[]; readonly left: number } {
  const seen = new Set<unknown>([error])
  // A set gives what is added while it is walked.
  for (const one of seen) {
    if (!(one instanceof Error)) continue
    if (one instanceof AggregateError) for (const part of one.errors) seen.add(part)
    if (one.cause !== undefined) seen.add(one.cause)
  }
  const all = [...seen].slice(1)
  return { causes: all.slice(0, mostCauses), left: Math.max(0, all.length - mostCauses) }
}

/** What is told of it. Of what is no Error: how the console shows it. */
export function plain(thrown: unknown): Plain {
  if (thrown instanceof Error) {
    const { name, code, message, stack } = thrown as Error & { readonly code?: unknown }
    return { name, code, message, stack }
  }
  const message = typeof thrown === 'string' ? thrown : inspect(thrown)
  return { name: undefined, code: undefined, message, stack: undefined }
}
