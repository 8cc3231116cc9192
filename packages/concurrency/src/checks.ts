/** Checks of arguments that several parts share. */

/** Refuses what is no function. */
export function checkFunction(value: unknown, what: string): void {
  if (typeof value !== 'function') throw new TypeError(`${what} is not a function but ${describe(value)}`)
}

/** Refuses what is no duration: a number of milliseconds, not negative, not NaN. `Infinity` means for ever. */
export function checkDuration(ms: unknown, what: string): void {
  if (typeof ms !== 'number') throw new TypeError(`${what} is not a number but ${describe(ms)}`)
  if (!(ms >= 0)) throw new RangeError(`${what} is ${ms}, not a duration in milliseconds`)
}

/** Refuses what is no time on the clock of `now()`. */
export function checkTime(time: unknown, what: string): void {
  if (typeof time !== 'number') throw new TypeError(`${what} is not a number but ${describe(time)}`)
  if (Number.isNaN(time)) throw new RangeError(`${what} is NaN, not a time in milliseconds`)
}

/** Refuses what is no whole number from `least` up. */
export function checkCount(value: unknown, what: string, least: number): void {
  if (typeof value !== 'number') throw new TypeError(`${what} is not a number but ${describe(value)}`)
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`${what} is ${value}, not a whole number of at least ${least}`)
  }
}

/** Refuses options that are none, and keys that are not `known`, with the nearest known one. */
export function checkOptions(options: unknown, known: readonly string[]): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`options is not an object but ${describe(options)}`)
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw new TypeError(`unknown option "${key}", did you mean "${nearest(key, known)}"?`)
    }
  }
}

function describe(value: unknown): string {
  return value === null ? 'null' : typeof value
}

function nearest(key: string, known: readonly string[]): string {
  const distances = known.map((name) => [distance(key.toLowerCase(), name.toLowerCase()), name] as const)
  return distances.sort(([a], [b]) => a - b)[0]![1]
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    row = next
  }
  return row[b.length]!
}
