import assert from 'node:assert/strict'
import {
  channel,
  checkpoint,
  formatTree,
  monitor,
  moveOnAfter,
  onTask,
  taskGroup,
  tree,
  type TaskEvent,
} from '@ipfs-kit/concurrency'

const events: TaskEvent[] = []
using figures = monitor()
const stop = onTask((event) => events.push(event))

await taskGroup(
  async (group) => {
    const [, receive] = channel<string>(1, { name: 'jobs' })
    group.spawn(() => receive.receive(), { name: 'worker' })
    group.spawn(() => moveOnAfter(60_000, () => receive.receive(), { name: 'patience' }), { name: 'helper' })
    await checkpoint()

    // Who waits for what, as data and as text.
    const worker = tree(group).inner.find(({ name }) => name === 'worker')
    assert.deepEqual(worker?.waits, [{ what: 'channel receive', on: 'jobs' }])
    assert.equal(
      formatTree(group).replace(/\d+ ms/, '… ms'),
      [
        'group "server"',
        '  task "worker" (waits: channel receive "jobs")',
        '  task "helper"',
        '    scope "patience" (… ms left; waits: channel receive "jobs")',
      ].join('\n'),
    )
    group.cancel('the example is over')
  },
  { name: 'server' },
)

// The lives of tasks, also on the diagnostics channel `concurrency:task`. Nothing is made while nobody listens.
stop()
assert.deepEqual(
  events.filter(({ task }) => task === 'worker').map(({ type, state }) => state ?? type),
  ['spawned', 'began', 'cancelled'],
)

// Figures since the last look: rates, the time it takes to cancel, how late the event loop ran.
const { tasks, spawnedPerSecond, recentCancelMeanMs, loopDelay } = figures.stats()
assert.equal(tasks, 0)
assert(spawnedPerSecond > 0 && recentCancelMeanMs < 1000 && loopDelay !== undefined)
