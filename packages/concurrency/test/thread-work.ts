/** Functions that the tests run on threads. */
import { transfer, type Portal } from '@ipfs-kit/concurrency/thread'

export default function twice(value: number): number {
  return value * 2
}

export const notAFunction = 1

export class RemoteError extends Error {
  override readonly name = 'RemoteError'
  readonly code = 'REMOTE'
}

export function fail(): never {
  throw new RemoteError('failed there', { cause: new RangeError('the cause') })
}

let moved = new Uint8Array()

export function bytes(length: number) {
  moved = new Uint8Array(length).fill(7)
  return transfer(moved, [moved.buffer])
}

/** What this thread still has of the bytes that it gave away. */
export function bytesLeft(): number {
  return moved.byteLength
}

let calls = 0

/** How often this module was called in this thread. */
export function count(): number {
  return ++calls
}

export async function sum(portal: Portal): Promise<number> {
  const first = await portal.call<number>('number', 1)
  return first + portal.callSync<number>('number', 2)
}
