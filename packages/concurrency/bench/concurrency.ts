/**
 * Task groups, cancellation, channels and semaphores beside their peers, and the simulator. The contenders of one
 * measure take turns in one process; a value is the median of the ratios of the rounds. All of them are used at their
 * defaults, in the way that their own documentation shows for the job.
 */
import { cancelIds, measureCancel } from './concurrency/cancel.ts'
import { channelIds, measureChannel } from './concurrency/channel.ts'
import { heapIds, measureHeap } from './concurrency/heap.ts'
import type { Options } from './concurrency/rounds.ts'
import { measureSemaphore, semaphoreIds } from './concurrency/semaphore.ts'
import { measureSimulator, simulatorIds } from './concurrency/simulator.ts'
import { measureSpawn, spawnIds } from './concurrency/spawn.ts'

/** What the runner of the benches calls. */
export default {
  area: 'concurrency',
  ids: [...spawnIds, ...cancelIds, ...channelIds, ...semaphoreIds, ...simulatorIds, ...heapIds],
  async run(options: Options) {
    return [
      ...(await measureSpawn(options)),
      ...(await measureCancel(options)),
      ...(await measureChannel(options)),
      ...(await measureSemaphore(options)),
      ...(await measureSimulator(options)),
      ...(await measureHeap(options)),
    ]
  },
}
