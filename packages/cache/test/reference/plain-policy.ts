/** The shape of the plain policies that the shipped ones are compared with: arrays of keys, one rule a line. */

/** A policy over keys, each of weight 1. */
export interface PlainPolicy {
  /** Keys that are resident, in any order. */
  resident(): readonly string[]
  /** Asks for a key; what is not resident comes in. Whether it was a hit. */
  request(key: string): boolean
  remove(key: string): void
}

/** Takes a value out of a list. Whether it was there. */
export function takeOut<T>(list: T[], value: T): boolean {
  const at = list.indexOf(value)
  if (at !== -1) list.splice(at, 1)
  return at !== -1
}
