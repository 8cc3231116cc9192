import { onePiece, windowIn } from '@ipfs-kit/storage'
import { expect, test } from 'vitest'

const { signal } = new AbortController()
const bytes = Uint8Array.of(1, 2, 3, 4)

test('is one piece of these very bytes, or none if there are none', async () => {
  const pieces: Uint8Array[] = []
  for await (const piece of onePiece(bytes, signal)) pieces.push(piece)
  expect(pieces).toEqual([bytes])
  expect(pieces[0]).toBe(bytes)
  expect(await onePiece(new Uint8Array(), signal).next()).toEqual({ done: true, value: undefined })
})

test('has nothing any more when it is left', async () => {
  const body = onePiece(bytes, signal)
  await body.return?.()
  expect(await body.next()).toEqual({ done: true, value: undefined })
})

test('rejects with the reason when it is aborted before it is read, and ends when it was read', async () => {
  const controller = new AbortController()
  const [unread, read] = [onePiece(bytes, controller.signal), onePiece(bytes, controller.signal)]
  await read.next()
  const reason = new Error('enough')
  controller.abort(reason)
  await expect(unread.next()).rejects.toBe(reason)
  expect(await read.next()).toEqual({ done: true, value: undefined })
})

test('gives a range of a value in memory as a copy', async () => {
  const stat = { key: 'key', size: 4, version: 'v', modifiedMs: 7, sha256: undefined }
  const { body, ...rest } = windowIn(stat, bytes, { offset: 1, length: 2 }, signal)
  expect(rest).toEqual({ ...stat, offset: 1, length: 2 })
  for await (const piece of body) piece.fill(9)
  expect(bytes).toEqual(Uint8Array.of(1, 2, 3, 4))
  expect(() => windowIn(stat, bytes, { offset: 4, length: 1 }, signal)).toThrow(
    expect.objectContaining({ code: 'STORAGE_RANGE' }),
  )
})
