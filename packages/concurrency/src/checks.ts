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

/** Refuses what is no time on the clock of `now()`, which begins at 0. */
export function checkTime(time: unknown, what: string): void {
  if (typeof time !== 'number') throw new TypeError(`${what} is not a number but ${describe(time)}`)
  if (!(time >= 0)) throw new RangeError(`${what} is ${time}, not a time in milliseconds`)
}

/** Refuses what is no whole number from `least` up. */
export function checkCount(value: unknown, what: string, least: number): void {
  if (typeof value !== 'number') throw new TypeError(`${what} is not a number but ${describe(value)}`)
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`${what} is ${value}, not a whole number of at least ${least}`)
  }
}

/** Refuses options that are none, keys that are not `known`, with the nearest known one, and a name that is no text. */
export function checkOptions(options: unknown, known: readonly string[]): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`options is not an object but ${describe(options)}`)
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw new TypeError(`unknown option "${key}", ${hint(key, known)}`)
    }
  }
  const { name } = options as { name?: unknown }
  if (name !== undefined && typeof name !== 'string') {
    throw new TypeError(`name is not a text but ${describe(name)}`)
  }
}

function describe(value: unknown): string {
  return value === null ? 'null' : typeof value
}

/** The name that was meant, if one is near, else those that are known. */
function hint(key: string, known: readonly string[]): string {
  const near = known
    .map((name) => [distance(key.toLowerCase(), name.toLowerCase()), name] as const)
    .filter(([changes]) => changes <= Math.max(2, Math.floor(key.length / 3)))
    .sort(([a], [b]) => a - b)[0]
  return near === undefined ? `known are ${known.join(', ')}` : `did you mean "${near[1]}"?`
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
