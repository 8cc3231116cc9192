/** The check of what is told of backends. */
import { maxBackends } from './check-policy.ts'
import { checkAmount, checkKeys, checkText, checkTexts, type Refuse } from './option-checks.ts'
import type { BackendFacts } from './policy.ts'

const keys = [
  'name',
  'failureDomain',
  'tags',
  'durability',
  'offSite',
  'costPerGiBMonth',
  'costPerWrite',
  'costPerRead',
  'writable',
  'state',
] as const

/** @throws TypeError for what is no list of backends; RangeError if there are more than 16 */
export function checkBackends(backends: readonly BackendFacts[]): void {
  if (!Array.isArray(backends)) throw new TypeError('backends is a list')
  if (backends.length > maxBackends) {
    throw new RangeError(`There are at most ${maxBackends} backends, not ${backends.length}`)
  }
  backends.forEach((one: BackendFacts, at) => {
    const where = `backends[${at}]`
    checkKeys(one, keys, where, refuse)
    checkText(one.name, `${where}.name`, refuse)
    checkText(one.failureDomain, `${where}.failureDomain`, refuse)
    if (!Array.isArray(one.tags) || one.tags.length > 0) checkTexts(one.tags, `${where}.tags`, refuse)
    oneOf(one.durability, ['memory', 'durable'], `${where}.durability`)
    oneOf(one.state, ['up', 'away', 'down'], `${where}.state`)
    oneOf(one.offSite, [true, false], `${where}.offSite`)
    oneOf(one.writable, [true, false], `${where}.writable`)
    for (const key of ['costPerGiBMonth', 'costPerWrite', 'costPerRead'] as const) {
      checkAmount(one[key], `${where}.${key}`, refuse)
    }
  })
  if (new Set(backends.map(({ name }) => name)).size < backends.length)
    throw refuse('Two backends have one name')
}

function oneOf(value: unknown, allowed: readonly unknown[], where: string): void {
  if (!allowed.includes(value)) throw refuse(`${where} is one of ${allowed.join(', ')}, not ${String(value)}`)
}

const refuse: Refuse = (message) => new TypeError(message)
