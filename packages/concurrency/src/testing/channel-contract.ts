/** What every channel has to do, as cases that any test framework can run. */
import type { ReceiveEnd, SendEnd } from '../channel.ts'
import { checkFunction } from '../checks.ts'
import { cancellingCases } from './channel-cancelling.ts'
import { endCases } from './channel-ends.ts'
import { flowCases } from './channel-flow.ts'

/** Makes a channel with room for `capacity` values, as `channel` does. */
export type MakeChannel = <T>(capacity: number) => [SendEnd<T>, ReceiveEnd<T>]

/** One case of a contract. */
export interface ContractCase {
  /** A fact, in the present tense. */
  readonly name: string
  /** Rejects if it does not hold. To be run by `withBackend`, on either backend. */
  readonly run: () => Promise<void>
}

/**
 * The contract of channels, for an implementation that wraps or replaces the one of this package.
 *
 * ```ts
 * const onBoth = forEachBackend(test)
 * for (const { name, run } of channelContract(channel)) onBoth(name, run)
 * ```
 */
export function channelContract(make: MakeChannel): readonly ContractCase[] {
  checkFunction(make, 'make')
  return [...flowCases(make), ...endCases(make), ...cancellingCases(make)]
}
