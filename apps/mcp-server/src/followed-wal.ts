/** What the doors to changes share: the log that they tell of. */
import type { SubscriptionsOptions } from '@ipfs-kit/wal'

/** The log of the moment: a part that is restarted is another one. */
export type CurrentWal = () => SubscriptionsOptions['wal']

/** The log for subscriptions that may be begun before and after a restart of it. */
export function followedWal(current: CurrentWal): SubscriptionsOptions['wal'] {
  return {
    follow: (options) => current().follow(options),
    followBackends: (options) => current().followBackends(options),
    stats: () => current().stats(),
  }
}
