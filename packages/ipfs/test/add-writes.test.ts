import { CID } from 'multiformats/cid'
import { expect, it } from 'vitest'
import { AddWrites, type Write } from '../src/add-writes.ts'
import { cidOf } from './nodes.ts'
import { pattern, rejection } from './opened.ts'

/** Writes into a store that stores when it is told to. */
function made(signal = new AbortController().signal) {
  const begun: { readonly bytes: number; readonly end: (error?: Error) => void }[] = []
  const writes = new AddWrites(
    (_cid: CID, { byteLength: bytes }) =>
      new Promise<void>((resolve, reject) => {
        begun.push({ bytes, end: (error) => (error === undefined ? resolve() : reject(error)) })
      }),
    signal,
  )
  return { begun, writes }
}

const block = pattern(10)
const cid = cidOf(block)
const turn = () => new Promise(setImmediate)

it('begins at most 128 writes at once, and the next when the oldest is over', async () => {
  const { begun, writes } = made()
  const all = Promise.all(Array.from({ length: 130 }, () => writes.put(cid, block)))
  await turn()
  expect(begun).toHaveLength(128)
  begun[5]?.end()
  await turn()
  expect(begun).toHaveLength(128)
  begun[0]?.end()
  await turn()
  expect(begun).toHaveLength(129)
  for (const { end } of begun) end()
  await turn()
  begun.at(-1)?.end()
  expect(await all).toHaveLength(130)
})

it('begins no write while 16 MiB are under way', async () => {
  const { begun, writes } = made()
  const large = new Uint8Array(4 * 1_048_576)
  const puts = Array.from({ length: 6 }, () => writes.put(cid, large))
  await turn()
  expect(begun).toHaveLength(4)
  begun[0]?.end()
  await turn()
  expect(begun).toHaveLength(5)
  begun[1]?.end()
  await Promise.all(puts)
  expect(begun).toHaveLength(6)
})

it('keeps the first failure, begins nothing after it, and fails no write by itself', async () => {
  const { begun, writes } = made()
  const error = new Error('the disk is full')
  const put: Write[] = [await writes.put(cid, block), await writes.put(cid, block)]
  begun[1]?.end(error)
  await put[1]?.over
  expect(() => writes.check()).toThrow(error)
  begun[0]?.end(new Error('a later one'))
  await put[0]?.over
  expect(await rejection(writes.stored())).toBe(error)
  expect(await rejection(writes.put(cid, block))).toBe(error)
  expect(begun).toHaveLength(2)
})

it('begins nothing after the signal is aborted, and throws its reason untouched', async () => {
  const abort = new AbortController()
  const { begun, writes } = made(abort.signal)
  const reason = { enough: true }
  abort.abort(reason)
  expect(await rejection(writes.put(cid, block))).toBe(reason)
  expect(begun).toHaveLength(0)
})

it('disposing waits for what runs, whatever becomes of it', async () => {
  const { begun, writes } = made()
  await writes.put(cid, block)
  await writes.put(cid, block)
  let disposed = false
  const disposing = writes[Symbol.asyncDispose]().then(() => (disposed = true))
  begun[0]?.end(new Error('lost'))
  await turn()
  expect(disposed).toBe(false)
  begun[1]?.end()
  await disposing
})
