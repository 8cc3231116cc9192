/** A bench file, or what it returned, does not have the agreed shape. The message names the place. */
export class BenchShapeError extends Error {
  name = 'BenchShapeError'
}
/**
 * The results in the order of `ids`, each with its verdict. Throws BenchShapeError if a result is malformed, or if there
 * is not exactly one for each id.
 */
export function judge(results, ids) {
  if (!Array.isArray(results)) throw new BenchShapeError('run() did not give a list of results')
  const byId = new Map()
  for (const result of results) {
    checkResult(result)
    if (!ids.includes(result.id)) throw new BenchShapeError(`result ${result.id} was not asked for`)
    if (byId.has(result.id)) throw new BenchShapeError(`result ${result.id} was given twice`)
    byId.set(result.id, result)
  }
  return ids.map((id) => {
    const result = byId.get(id)
    if (result === undefined) throw new BenchShapeError(`result ${id} is missing`)
    return { ...result, holds: holds(result) }
  })
}
const bar = /^(>=|<=|>|<|==) (-?\d+(?:\.\d+)?)$/
function holds({ bar: text, value }) {
  if (text === undefined) return null
  if (value === null) return false
  const [, sign, number] = bar.exec(text) ?? []
  const limit = Number(number)
  switch (sign) {
    case '>=':
      return value >= limit
    case '<=':
      return value <= limit
    case '>':
      return value > limit
    case '<':
      return value < limit
    default:
      return value === limit
  }
}
const fields = ['id', 'measure', 'value', 'unit', 'bar', 'why', 'samples', 'detail']
function checkResult(result) {
  if (typeof result !== 'object' || result === null) throw new BenchShapeError('a result is not an object')
  const one = result
  const refuse = (what) => new BenchShapeError(`result ${String(one['id'])}: ${what}`)
  for (const name of ['id', 'measure', 'unit']) {
    if (typeof one[name] !== 'string' || one[name] === '') throw refuse(`${name} is not a text`)
  }
  const unknown = Object.keys(one).find((name) => !fields.includes(name))
  if (unknown !== undefined) throw refuse(`unknown field ${unknown}`)
  const { value, why, samples, detail } = one
  if (value === null) {
    if (typeof why !== 'string' || why === '') throw refuse('value is null and why does not say the reason')
  } else {
    if (typeof value !== 'number' || !Number.isFinite(value)) throw refuse('value is not a finite number')
    if (why !== undefined) throw refuse('has a value and a reason why there is none')
  }
  if (one['bar'] !== undefined && (typeof one['bar'] !== 'string' || !bar.test(one['bar']))) {
    throw refuse(`bar ${JSON.stringify(one['bar'])} is not like ">= 0.8"`)
  }
  if (samples !== undefined && !(Array.isArray(samples) && samples.every(Number.isFinite))) {
    throw refuse('samples are not finite numbers')
  }
  if (detail !== undefined && (typeof detail !== 'object' || detail === null || Array.isArray(detail))) {
    throw refuse('detail is not an object')
  }
}
//# sourceMappingURL=shape.js.map
