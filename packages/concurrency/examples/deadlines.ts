import assert from 'node:assert/strict'
import {
  TimeoutError,
  failAfter,
  failAt,
  moveOnAfter,
  now,
  sim,
  sleep,
  taskGroup,
  withBackend,
} from '@ipfs-kit/concurrency'

/** Asks a peer, which answers after `ms`. */
async function ask(ms: number): Promise<string> {
  await sleep(ms)
  return `answer after ${ms}`
}

// Run simulated, so that the minutes below take no time. Nothing but the last line knows of it.
async function main(): Promise<void> {
  // Silently: undefined when the time is up.
  assert.equal(await moveOnAfter(1000, () => ask(10)), 'answer after 10')
  assert.equal(await moveOnAfter(1000, () => ask(60_000)), undefined)

  // As an error.
  await assert.rejects(
    failAfter(1000, () => ask(60_000), { name: 'peer' }),
    (error) => error instanceof TimeoutError && error.source === 'deadline' && error.scope === 'peer',
  )

  // One budget for several steps. A longer limit inside it does not outlast it.
  const until = now() + 100
  const began = now()
  await assert.rejects(
    failAt(until, async () => {
      await ask(60)
      await failAfter(5000, async (inner) => {
        assert.equal(inner.effectiveDeadline, until)
        await ask(60_000)
      })
    }),
    { name: 'TimeoutError' },
  )
  assert.equal(now() - began, 100)

  // A group takes a deadline too. It ends when its tasks have ended.
  let cleaned = false
  const group = taskGroup(
    (tasks) => {
      tasks.spawn(async () => {
        try {
          await sleep(Infinity)
        } finally {
          cleaned = true
        }
      })
    },
    { deadline: now() + 50 },
  )
  await assert.rejects(group, { name: 'TimeoutError' })
  assert(cleaned)
}

await withBackend(main, { backend: sim(1) })
