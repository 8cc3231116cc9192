/** Objects that are read whole: each piece limited, counted and hashed, and the object proven to be of one version. */
import { createHash } from 'node:crypto'
import type { ByteRate } from './byte-rate.ts'
import type { EndItem, OpenedItem, ReadableEnd } from './end.ts'
import { TransferError } from './errors.ts'
import { sourceFailed, targetFailed } from './faults.ts'
import { shownPath } from './shown-path.ts'

/** What reading is counted and limited by. */
export interface Reading {
  readonly rate: ByteRate
  readonly signal: AbortSignal
  readonly onBytes: (bytes: number) => void
}

/** An object that is read, and what its bytes were once they are all read. */
export interface HashedItem {
  readonly item: EndItem
  readonly body: AsyncIterable<Uint8Array>
  /** SHA-256 in hex; `undefined` until the last byte is read. */
  readonly sha256: string | undefined
  /** Gives up the body, if nobody has begun to read it: what is begun gives itself up. */
  leave(): Promise<void>
}

/**
 * Opens an object of a source. Its last piece is held back until the source has shown that it is still the same object, so that
 * whoever takes the body takes nothing that has changed meanwhile.
 *
 * @throws TransferError `TRANSFER_SOURCE_MISSING`, `TRANSFER_SOURCE_FAILED`; the body also `TRANSFER_SOURCE_CHANGED`,
 *   `TRANSFER_SOURCE_CORRUPT`
 */
export async function openHashed(source: ReadableEnd, path: string, reading: Reading): Promise<HashedItem> {
  const { signal, rate, onBytes } = reading
  let opened: OpenedItem | undefined
  try {
    opened = await source.open(path, { signal })
  } catch (error) {
    throw sourceFailed(error, source, path)
  }
  if (opened === undefined) {
    throw new TransferError('TRANSFER_SOURCE_MISSING', `${source.name} has no ${shownPath(path)} any more`)
  }
  const { body, ...item } = opened
  const hash = createHash('sha256')
  let sha256: string | undefined
  let isBegun = false
  async function* hashed(): AsyncGenerator<Uint8Array> {
    isBegun = true
    let held: Uint8Array | undefined
    let size = 0
    try {
      for await (const piece of body) {
        if (held !== undefined) yield held
        await rate.pass(piece.byteLength)
        hash.update(piece)
        size += piece.byteLength
        onBytes(piece.byteLength)
        held = piece
      }
      const digest = hash.digest('hex')
      if (size !== item.size || (item.sha256 !== undefined && digest !== item.sha256)) {
        throw new TransferError(
          'TRANSFER_SOURCE_CORRUPT',
          `${source.name} has for ${shownPath(path)} the digest ${String(item.sha256)} of ${item.size} bytes, and gave ${size} bytes of ${digest}`,
        )
      }
      await checkUnchanged(source, item, signal)
      sha256 = digest
    } catch (error) {
      throw sourceFailed(error, source, path)
    }
    if (held !== undefined) yield held
  }
  return {
    item,
    body: hashed(),
    get sha256() {
      return sha256
    },
    async leave() {
      if (!isBegun) await body[Symbol.asyncIterator]().return?.()
    },
  }
}

/**
 * SHA-256 in hex of an object of a source as it is now. What is read is of one version.
 *
 * @throws TransferError as {@link openHashed} and its body
 */
export async function hashSource(source: ReadableEnd, path: string, reading: Reading): Promise<string> {
  const hashed = await openHashed(source, path, reading)
  for await (const _piece of hashed.body);
  return hashed.sha256!
}

/** The same of a target; `undefined` if it has no such object. @throws TransferError `TRANSFER_TARGET_FAILED` */
export async function hashTarget(
  target: ReadableEnd,
  path: string,
  { signal, rate, onBytes }: Reading,
): Promise<string | undefined> {
  try {
    const opened = await target.open(path, { signal })
    if (opened === undefined) return undefined
    const hash = createHash('sha256')
    for await (const piece of opened.body) {
      await rate.pass(piece.byteLength)
      hash.update(piece)
      onBytes(piece.byteLength)
    }
    return hash.digest('hex')
  } catch (error) {
    throw targetFailed(error, target, path)
  }
}

/** Whether two looks at an object show the same value, as far as its end can tell. */
export function isSameValue(one: EndItem, other: EndItem): boolean {
  if (one.version !== undefined || other.version !== undefined) return one.version === other.version
  return one.size === other.size && one.modifiedMs === other.modifiedMs
}

async function checkUnchanged(source: ReadableEnd, before: EndItem, signal: AbortSignal): Promise<void> {
  const after = await source.stat(before.path, { signal })
  if (after !== undefined && isSameValue(before, after)) return
  throw new TransferError(
    'TRANSFER_SOURCE_CHANGED',
    `${shownPath(before.path)} of ${source.name} was ${after === undefined ? 'deleted' : 'changed'} while it was read`,
  )
}
