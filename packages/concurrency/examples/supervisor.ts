import assert from 'node:assert/strict'
import {
  TaskGroupError,
  moveOnAfter,
  sim,
  sleep,
  taskGroup,
  throwIfCancelled,
  withBackend,
} from '@ipfs-kit/concurrency'

/** Runs until it is cancelled or fails, and says when it is ready. */
type Service = (started: () => void) => Promise<void>

/** What happened, for this example. */
const log: string[] = []

/** Keeps a service running: one that fails is begun again, a second later. Returns when the service returns. */
async function supervise(service: Service): Promise<void> {
  for (;;) {
    try {
      await taskGroup(async (group) => {
        // Returns when the service has called `started()`, which takes no value here.
        await group.start(service)
        log.push('up')
      })
      return
    } catch (error) {
      // Cancelled from around it: that is the end, and no failure of the service.
      throwIfCancelled()
      log.push(String(error instanceof TaskGroupError ? error.cause : error))
    }
    await sleep(1000)
  }
}

let runs = 0
const service: Service = async (started) => {
  runs += 1
  if (runs === 1) throw new Error('the port is taken')
  started()
  if (runs === 2) {
    await sleep(5000)
    throw new Error('connection lost')
  }
  await sleep(Infinity)
}

// Run simulated, so that the minute takes no time.
const ended = await withBackend(() => moveOnAfter(60_000, () => supervise(service)), { backend: sim(1) })
assert.equal(ended, undefined)
assert.deepEqual(log, ['Error: the port is taken', 'up', 'Error: connection lost', 'up'])
