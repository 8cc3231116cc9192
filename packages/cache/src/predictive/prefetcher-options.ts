/** The options of a prefetcher and its readers, checked. */
import type { PrefetcherOptions } from './prefetcher.ts'
import { createPredictor } from './predictor.ts'
import { checkKnown, checkWhole } from './predictor-options.ts'
import type { ReaderOptions, ReadOptions } from './reader.ts'

const known = [
  'name',
  'fetch',
  'cache',
  'has',
  'linksOf',
  'sizeOf',
  'predictor',
  'maxBlocks',
  'maxBytes',
  'maxAddedShare',
]

export type CheckedPrefetcher<V> = ReturnType<typeof checkPrefetcherOptions<V>>

/** The options with their defaults. @throws TypeError, RangeError */
export function checkPrefetcherOptions<V>(options: PrefetcherOptions<V>) {
  if (options === undefined) throw new TypeError('A prefetcher needs options: fetch')
  checkKnown('A prefetcher', options, known)
  const { name = 'prefetcher', fetch, cache, has, linksOf, sizeOf = lengthOf } = options
  const { maxBlocks = 32, maxBytes = 32 * 1024 * 1024, maxAddedShare = 0.1 } = options
  if (typeof name !== 'string' || name === '') throw new TypeError('name is a text that is not empty')
  if (typeof fetch !== 'function') throw new TypeError('fetch is a function')
  for (const [key, value] of Object.entries({ has, linksOf, sizeOf })) {
    if (value !== undefined && typeof value !== 'function') throw new TypeError(`${key} is a function`)
  }
  for (const method of ['get', 'set', 'has'] as const) {
    if (cache !== undefined && typeof cache?.[method] !== 'function')
      throw new TypeError('cache has get, set and has')
  }
  const { predictor = createPredictor() } = options
  if (typeof predictor?.stream !== 'function')
    throw new TypeError('predictor is one that createPredictor made')
  checkWhole('maxBlocks', maxBlocks, 1, 4096)
  checkWhole('maxBytes', maxBytes, 1, Number.MAX_SAFE_INTEGER)
  if (typeof maxAddedShare !== 'number' || !(maxAddedShare >= 0) || maxAddedShare > 1)
    throw new RangeError(`maxAddedShare is a number from 0 to 1, not ${maxAddedShare}`)
  return { name, fetch, cache, has, linksOf, sizeOf, predictor, maxBlocks, maxBytes, maxAddedShare }
}

/** @throws TypeError */
export function checkReaderOptions<V>(options: ReaderOptions<V> | undefined): void {
  checkKnown('A reader', options, ['scope', 'keyAt', 'linksOf'])
  for (const [key, value] of Object.entries({ keyAt: options?.keyAt, linksOf: options?.linksOf })) {
    if (value !== undefined && typeof value !== 'function') throw new TypeError(`${key} is a function`)
  }
}

/** @throws TypeError */
export function checkReadOptions(options: ReadOptions | undefined): void {
  checkKnown('A read', options, ['position', 'scope', 'signal'])
}

function lengthOf(value: unknown): number {
  if (value instanceof Uint8Array) return value.byteLength
  throw new TypeError('The size of this value is unknown: give sizeOf')
}
