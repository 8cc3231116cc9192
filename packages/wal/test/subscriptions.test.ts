import { createEvent } from '@ipfs-kit/concurrency'
import { createSubscriptions, type ServerMessage, WalError, type WalStats } from '@ipfs-kit/wal'
import { expect, test } from 'vitest'
import { finished, servedWal } from './served-wal.ts'

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

test('the end of a subscription has the LSN up to which it was told, so that who goes on behind it misses nothing', async () => {
  const { wal } = await servedWal()
  const messages: ServerMessage[] = []
  const first = createEvent({ name: 'first change' })
  const over = createEvent({ name: 'end of the subscription' })
  const taken = Promise.withResolvers<void>()
  const send = async (message: ServerMessage): Promise<void> => {
    messages.push(message)
    if ('error' in message) over.set()
    if (!('job' in message)) return
    first.set()
    await taken.promise
  }
  await using subscriptions = createSubscriptions({ wal, send })
  // More than is read from the log at once.
  const ids = await finished(wal, 3000)
  await subscriptions.receive('{"subscribe":"all_operations","id":"a","from":1}')
  await first.wait()
  await wal.close()
  taken.resolve()
  await over.wait()
  const told = messages.findLast((message) => 'job' in message)!
  expect(told).toMatchObject({ job: { id: expect.toSatisfy((id: number) => id < ids.at(-1)!) } })
  expect(messages.at(-1)).toMatchObject({ id: 'a', lsn: told.lsn, error: { code: 'WAL_CLOSED' } })
})

test('while the log is away a client is answered, and what it asks for is refused with the id that it gave', async () => {
  const { wal } = await servedWal()
  let isAway = false
  const stats = (): WalStats => {
    if (isAway) throw new WalError('WAL_CLOSED', 'The log is away')
    return wal.stats()
  }
  const messages: ServerMessage[] = []
  const follow = wal.follow.bind(wal)
  const followBackends = wal.followBackends.bind(wal)
  const send = async (message: ServerMessage): Promise<void> => void messages.push(message)
  await using subscriptions = createSubscriptions({ wal: { follow, followBackends, stats }, send })
  await subscriptions.receive('{"ping":1}')
  isAway = true
  await subscriptions.receive('{"ping":2}')
  await subscriptions.receive('{"subscribe":"all_operations","id":"a"}')
  isAway = false
  await subscriptions.receive('{"subscribe":"all_operations","id":"a"}')
  const lsn = wal.stats().index.appliedLsn
  expect(messages).toEqual([
    { pong: 1, lsn },
    { pong: 2, lsn },
    { id: 'a', lsn, error: expect.objectContaining({ code: 'WAL_CLOSED' }) },
    { subscribed: 'a', lsn },
  ])
})
