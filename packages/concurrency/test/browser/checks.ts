/** What scenarios check with. */
import { sleep, type Scope } from '@ipfs-kit/concurrency'

/** Where scenarios run. */
export interface Place {
  /** An address that never answers. */
  readonly silentUrl: string
}

export function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`does not hold: ${what}`)
}

export function equal(actual: unknown, expected: unknown, what: string): void {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)]
  check(left === right, `${what}: ${left} is ${right}`)
}

/** What a promise rejects with. */
export async function failureOf(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('does not hold: it rejects')
}

export const forever = (scope: Scope) => sleep(Infinity, { scope })

/** Scenarios by the fact that each shows. */
export type Scenarios = Record<string, (place: Place) => Promise<void>>
