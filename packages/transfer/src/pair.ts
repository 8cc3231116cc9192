/** Source and target of a transfer: which pairs cannot work is known before bytes move. */
import type { EndItem, ReadableEnd, WritableEnd } from './end.ts'
import { TransferError } from './errors.ts'

/** Two ends whose objects have the same paths. */
export interface Pair {
  readonly source: ReadableEnd
  readonly target: WritableEnd
}

/** What a transfer does with its target and its source besides reading. */
export interface Needs {
  readonly write: boolean
  /** Objects of the target are deleted. */
  readonly prune: boolean
  /** Objects of the source are deleted. */
  readonly remove: boolean
}

/**
 * Makes a pair. One object goes below a target of shape `prefix` under the last part of its key.
 *
 * @throws TransferError `TRANSFER_SHAPE`, `TRANSFER_OVERLAP`, `TRANSFER_NOT_SUPPORTED`
 */
export function pairOf(source: ReadableEnd, target: WritableEnd, needs: Needs): Pair {
  if (source.shape === 'prefix' && target.shape === 'object') {
    throw new TransferError(
      'TRANSFER_SHAPE',
      `All that is below ${source.name} does not fit into one object, ${target.name}`,
    )
  }
  const isPlaced = source.shape === 'object' && target.shape === 'prefix'
  const pair = { source, target: isPlaced ? below(target, lastPart(source.root)) : target }
  if (source.place === target.place && overlaps(pair)) {
    throw new TransferError('TRANSFER_OVERLAP', `${source.name} and ${target.name} overlap`)
  }
  if (needs.write) need(target, 'write')
  if (needs.prune) need(target, 'delete')
  if (needs.remove) need(source, 'delete')
  if (source.shape === 'prefix') for (const end of [source, target]) need(end, 'list')
  if (needs.write && target.supports.maxPathBytes <= 0) {
    throw new TransferError(
      'TRANSFER_KEY_REFUSED',
      `${target.name} cannot hold what is at ${source.name}: keys there are not free, or the address is too long`,
    )
  }
  return pair
}

/**
 * Whether the target can hold an object of the source.
 *
 * @throws TransferError `TRANSFER_KEY_REFUSED`, `TRANSFER_TOO_LARGE`
 */
export function checkFits({ path, size }: EndItem, { name, supports }: WritableEnd): void {
  const bytes = Buffer.byteLength(path)
  if (bytes > supports.maxPathBytes) {
    throw new TransferError(
      'TRANSFER_KEY_REFUSED',
      `${name} cannot hold ${JSON.stringify(path)}: it has ${bytes} bytes, and there is room for ${supports.maxPathBytes}`,
    )
  }
  if (size > supports.maxItemBytes) {
    throw new TransferError(
      'TRANSFER_TOO_LARGE',
      `${name} takes objects of ${supports.maxItemBytes} bytes at most, and ${JSON.stringify(path)} has ${size}`,
    )
  }
}

/** @throws TransferError `TRANSFER_NOT_SUPPORTED` */
export function need(end: ReadableEnd, ability: 'write' | 'delete' | 'list'): void {
  if (end.supports[ability]) return
  throw new TransferError('TRANSFER_NOT_SUPPORTED', `${end.name} does not support ${ability}`)
}

function overlaps({ source, target }: Pair): boolean {
  if (source.shape === 'object') return source.root === target.root
  return source.root.startsWith(target.root) || target.root.startsWith(source.root)
}

function lastPart(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1)
}

/** One object of an end, as an end. */
function below(end: WritableEnd, name: string): WritableEnd {
  const bare = <T extends EndItem>(item: T): T => ({ ...item, path: '' })
  return {
    ...end,
    name: `${end.name}${name}`,
    shape: 'object',
    root: end.root + name,
    supports: { ...end.supports, maxPathBytes: end.supports.maxPathBytes - Buffer.byteLength(name) },
    async stat(_path, call) {
      const item = await end.stat(name, call)
      return item && bare(item)
    },
    async open(_path, call) {
      const item = await end.open(name, call)
      return item && bare(item)
    },
    write: async (_path, body, options) => bare(await end.write(name, body, options)),
    remove: (_path, call) => end.remove(name, call),
  }
}
