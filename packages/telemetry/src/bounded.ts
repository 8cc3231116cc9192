/** Values of a label, up to a number of them. Each value is a time series for ever, so what is more becomes `other`. */

/** What the values after the last that has room are called. */
export const other = 'other'

/** Makes a function that passes the first `limit` different values on, and gives `other` for all further ones. */
export function boundedLabel(limit: number): (value: string) => string {
  const known = new Set<string>()
  return (value) => {
    if (known.has(value)) return value
    if (known.size >= limit) return other
    known.add(value)
    return value
  }
}
