/** The options of a predictor, checked. */
import type { PredictorOptions, StreamOptions } from './predictor.ts'

const mostKeys = 2 ** 24

/** The options with their defaults. @throws TypeError, RangeError */
export function checkPredictorOptions(options: PredictorOptions | undefined): { readonly maxKeys: number } {
  checkKnown('A predictor', options, ['maxKeys'])
  const { maxKeys = 65_536 } = options ?? {}
  checkWhole('maxKeys', maxKeys, 4, mostKeys)
  return { maxKeys }
}

/** @throws TypeError */
export function checkKeyAt(options: StreamOptions | undefined): StreamOptions['keyAt'] {
  checkKnown('A stream', options, ['keyAt'])
  if (options?.keyAt !== undefined && typeof options.keyAt !== 'function')
    throw new TypeError('keyAt is a function')
  return options?.keyAt
}

/** @throws RangeError */
export function checkPosition(position: number): void {
  checkWhole('position', position, 0, Number.MAX_SAFE_INTEGER)
}

/** @throws TypeError */
export function checkKnown(what: string, options: object | undefined, known: readonly string[]): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null) throw new TypeError(`${what} has options as an object`)
  const unknown = Object.keys(options).find((key) => !known.includes(key))
  if (unknown !== undefined)
    throw new TypeError(`${what} has no option ${unknown}; it has ${known.join(', ')}`)
}

/** @throws RangeError */
export function checkWhole(name: string, value: number, least: number, most: number): void {
  if (!Number.isSafeInteger(value) || value < least || value > most)
    throw new RangeError(`${name} is a whole number from ${least} to ${most}, not ${value}`)
}
