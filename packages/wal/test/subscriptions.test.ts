import { createEvent } from '@ipfs-kit/concurrency'
import { createSubscriptions, type ServerMessage } from '@ipfs-kit/wal'
import { expect, test } from 'vitest'
import { servedWal } from './served-wal.ts'

/** A client that has taken all messages up to the first of a kind; what becomes of that the test says. */
function clientThatLeavesAt(kind: string) {
  const asked = createEvent({ name: `message with ${kind}` })
  const left = Promise.withResolvers<void>()
  const send = async (message: ServerMessage): Promise<void> => {
    if (!(kind in message)) return
    asked.set()
    await left.promise
  }
  return { asked, send, leave: () => left.reject(new Error('write EPIPE')) }
}

/** What nobody has caught while something is done, and in the turn behind it. */
async function uncaught(work: () => Promise<void>): Promise<unknown[]> {
  const found: unknown[] = []
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', (error) => found.push(error))
  try {
    await work()
    await new Promise((resolve) => setImmediate(resolve))
  } finally {
    process.removeAllListeners('unhandledRejection')
    for (const other of others) process.on('unhandledRejection', other)
  }
  return found
}

test('a client whose connection breaks in the moment in which it is let go is nobody else’s failure', async () => {
  const { wal } = await servedWal()
  const { asked, send, leave } = clientThatLeavesAt('job')
  const subscriptions = createSubscriptions({ wal, send })
  await subscriptions.receive('{"subscribe":"all_operations","id":"a"}')
  await wal.append({ type: 'custom:done', params: {} })
  await asked.wait()
  const found = await uncaught(async () => {
    leave()
    await subscriptions.close()
  })
  expect(found).toEqual([])
})

test('nor is one that is gone when it is to be told the end of the log', async () => {
  const { wal } = await servedWal()
  const { asked, send, leave } = clientThatLeavesAt('error')
  const subscriptions = createSubscriptions({ wal, send })
  await subscriptions.receive('{"subscribe":"all_operations","id":"a"}')
  await wal.close()
  await asked.wait()
  const found = await uncaught(async () => {
    leave()
    await subscriptions.close()
  })
  expect(found).toEqual([])
})
