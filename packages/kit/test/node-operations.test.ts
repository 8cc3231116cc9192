import { OperationError } from '@ipfs-kit/operations'
import { expect, test } from 'vitest'
import { collect } from './collect.ts'
import { addFile, openTemporaryKit } from './open-kit.ts'

test('remembers calls, newest first, without what went in or out', async () => {
  const kit = await openTemporaryKit()
  const secret = 'a very special text'
  const cid = await addFile(kit, 'secret.txt', secret)
  await kit.caller.callAs('my-request', 'files.stat', { cid })
  await expect(kit.call('files.stat', { cid: 'nonsense' })).rejects.toMatchObject({
    code: 'IPFS_INVALID_CID',
  })
  const calls = await collect(await kit.call('node.operations', {}))
  expect(calls.map(({ name, code }) => `${name} ${code}`)).toEqual([
    'files.stat IPFS_INVALID_CID',
    'files.stat OK',
    'files.add OK',
  ])
  expect(calls[1]).toEqual({
    requestId: 'my-request',
    name: 'files.stat',
    startedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    durationMs: expect.any(Number),
    code: 'OK',
  })
  expect(JSON.stringify(calls)).not.toContain(secret)
})

test('remembers the last 1,000 calls and answers 100 unless asked for more', async () => {
  const kit = await openTemporaryKit()
  for (let index = 0; index < 1005; index++) await kit.caller.callAs(`call-${index}`, 'node.status', {})
  const all = await collect(await kit.call('node.operations', { limit: 1000 }))
  expect(all).toHaveLength(1000)
  expect(all[0]?.requestId).toBe('call-1004')
  expect(all[999]?.requestId).toBe('call-5')
  expect(await collect(await kit.call('node.operations', {}))).toHaveLength(100)
  for (const limit of [0, 1001, 1.5]) {
    await expect(kit.call('node.operations', { limit })).rejects.toMatchObject({
      code: 'OPERATION_INVALID_INPUT',
    })
  }
})

test('does not see the calls of another kit in the process', async () => {
  const [one, other] = [await openTemporaryKit(), await openTemporaryKit()]
  await other.call('node.status', {})
  expect(await collect(await one.call('node.operations', {}))).toEqual([])
  expect(one.stats().endedCalls).toBe(1)
})

test('restarts the node under a running add; the add is cancelled and leaves no pin; then all goes on', async () => {
  const kit = await openTemporaryKit()
  const kept = await addFile(kit, 'kept.txt', 'kept')
  const before = kit.ipfs
  const isReading = Promise.withResolvers<void>()
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      yield new Uint8Array(65_536)
      isReading.resolve()
    }
  }
  const body = [{ path: 'endless', content: endless() }]
  const adding = (async () => collect(await kit.call('files.add', {}, { body })))()
  const refused = expect(adding).rejects.toMatchObject({ kind: 'temporary', code: 'KIT_PART_UNAVAILABLE' })
  await isReading.promise

  const status = await kit.call('node.restart', { part: 'ipfs' })

  await refused
  expect(status).toMatchObject({ name: 'ipfs', state: 'running', restarts: 1, abandonedCalls: 0 })
  expect(kit.ipfs).not.toBe(before)
  expect(await collect(await kit.call('node.parts', {}))).toEqual([status])
  expect(await collect(await kit.call('pins.ls', {}))).toMatchObject([{ cid: kept }])
  const { body: bytes } = await kit.call('files.cat', { cid: kept })
  expect(Buffer.concat(await collect(bytes)).toString()).toBe('kept')
})

test('names the parts when asked to restart another', async () => {
  const kit = await openTemporaryKit()
  await expect(kit.call('node.restart', { part: 'disk' })).rejects.toMatchObject({
    code: 'KIT_PART_UNKNOWN',
    kind: 'not-found',
    message: expect.stringContaining('ipfs'),
  })
})

test('ends waiting for a restart with the reason of the signal; the restart goes on', async () => {
  const kit = await openTemporaryKit()
  const borrowed = kit.parts.borrow(['ipfs'])
  const controller = new AbortController()
  const reason = new OperationError('OPERATION_CANCELLED', 'enough')
  const restarting = kit.call('node.restart', { part: 'ipfs' }, { signal: controller.signal })
  controller.abort(reason)
  await expect(restarting).rejects.toBe(reason)
  borrowed.release()
  expect(await kit.parts.restart('ipfs')).toMatchObject({ state: 'running', restarts: 1 })
})

test('shows status, parts and calls as text', async () => {
  const kit = await openTemporaryKit()
  const text = (name: string, value: unknown): string | undefined => {
    const entry = kit.operations.find((candidate) => candidate.name === name)
    return (entry?.text as ((value: unknown) => string | undefined) | undefined)?.(value)
  }
  expect(text('node.status', await kit.call('node.status', {}))).toContain(`home     ${kit.home.path}`)
  for (const part of kit.parts.list())
    expect(text('node.parts', part)).toMatch(/^ipfs {2}running since .*restarts 0$/)
  for await (const call of await kit.call('node.operations', {})) {
    expect(text('node.operations', call)).toMatch(/node\.status {2}[\d.]+ ms {2}OK$/)
  }
})
