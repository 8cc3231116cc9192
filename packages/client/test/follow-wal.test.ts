import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { followWal, type FollowOptions } from '@ipfs-kit/client'
import { expect, onTestFinished, test } from 'vitest'

function follow(port: number, options: FollowOptions = {}) {
  return followWal({ url: `http://127.0.0.1:${port}` }, { subscribe: 'all_operations' }, options)
}

test('a server that sends nothing is left', async () => {
  const silent = createServer((socket) => socket.on('error', () => {}))
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void silent.close())
  const { port } = silent.address() as AddressInfo
  await expect(follow(port, { quietMs: 20 }).next()).rejects.toMatchObject({
    code: 'CLIENT_DISCONNECTED',
    message: 'Nothing has come from the server for 20 ms',
  })
})

test('the reason of the signal ends it while it has no connection yet', async () => {
  const silent = createServer((socket) => socket.on('error', () => {}))
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void silent.close())
  const { port } = silent.address() as AddressInfo
  const abort = new AbortController()
  const reason = new Error('the page was left')
  const next = follow(port, { signal: abort.signal }).next()
  abort.abort(reason)
  await expect(next).rejects.toBe(reason)
})

test('it fails at once if no server is there at first', async () => {
  const gone = createServer()
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve))
  const { port } = gone.address() as AddressInfo
  await new Promise((resolve) => gone.close(resolve))
  await expect(follow(port).next()).rejects.toMatchObject({ code: 'CLIENT_UNREACHABLE' })
})

test('wrong options are refused', async () => {
  await expect(follow(1, { retries: -1 }).next()).rejects.toThrow(RangeError)
  await expect(follow(1, { retry: 1 } as FollowOptions).next()).rejects.toThrow(/followWal knows signal/)
})
