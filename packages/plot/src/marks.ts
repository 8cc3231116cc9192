/** Where an axis has marks. */

/**
 * From 0 in steps that people count in (1, 2 or 5 with zeros) up to the first that is not below the most, with few steps.
 *
 * @throws RangeError if the most is no number from 0
 */
export function roundMarks(most: number): number[] {
  if (!(Number.isFinite(most) && most >= 0)) throw new RangeError(`most is a number from 0, not ${most}`)
  if (most === 0) return [0, 1]
  const power = 10 ** Math.floor(Math.log10(most))
  const share = most / power
  const step = power * (share <= 1 ? 0.2 : share <= 2 ? 0.5 : share <= 5 ? 1 : 2)
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, nth) =>
    Number((nth * step).toPrecision(12)),
  )
}

/** So many at equal distances, with both ends; one if the ends are the same. */
export function evenMarks(from: number, to: number, count: number): number[] {
  if (from === to) return [from]
  return Array.from({ length: count }, (_, nth) => from + ((to - from) * nth) / (count - 1))
}
