/** The check of a policy by itself, whatever backends there are. */
import { PlacementError } from './errors.ts'
import { checkAmount, checkKeys, checkText, checkTexts, checkWhole, type Refuse } from './option-checks.ts'
import { otherwiseName, type Conditions, type Policy, type Requirement } from './policy.ts'

/**
 * Refuses what is no policy, and one that contradicts itself.
 *
 * @throws PlacementError PLACEMENT_POLICY_INVALID
 */
export function checkPolicy(policy: Policy): void {
  checkKeys(policy, ['rules', 'otherwise'], 'the policy', refuse)
  const { rules = [], otherwise } = policy
  if (!Array.isArray(rules) || rules.length > 100) throw refuse('rules is a list of at most 100')
  const names = new Set([otherwiseName])
  rules.forEach((rule, at) => {
    const where = `rules[${at}]`
    checkKeys(rule, ['name', 'when', 'keep'], where, refuse)
    checkText(rule.name, `${where}.name`, refuse)
    if (names.has(rule.name))
      throw refuse(`${where}.name ${JSON.stringify(rule.name)} is the name of another`)
    names.add(rule.name)
    checkConditions(rule.when, `${where}.when`)
    checkRequirement(rule.keep, `${where}.keep`)
  })
  checkRequirement(otherwise, 'otherwise')
}

/** Lower and upper bounds of the same thing. An upper one of bytes is in, the others are out. */
const bounds = [
  ['minBytes', 'maxBytes', true],
  ['minAgeDays', 'maxAgeDays', false],
  ['minHeat', 'maxHeat', false],
] as const

function checkConditions(when: Conditions, where: string): void {
  checkKeys(when, [...bounds.flatMap(([least, most]) => [least, most]), 'types', 'names'], where, refuse)
  if (Object.keys(when).length === 0) {
    throw refuse(`${where} has no condition: what comes behind it would fit nothing; use otherwise`)
  }
  for (const [least, most, isIn] of bounds) {
    for (const key of [least, most]) {
      if (when[key] !== undefined) checkAmount(when[key], `${where}.${key}`, refuse)
    }
    const from = when[least] ?? 0
    const to = when[most] ?? Infinity
    if (from > to || (from === to && !isIn))
      throw refuse(`${where} fits nothing: ${least} ${from}, ${most} ${to}`)
  }
  for (const key of ['types', 'names'] as const) {
    if (when[key] !== undefined) checkTexts(when[key], `${where}.${key}`, refuse)
  }
}

const requirementKeys = [
  'minimum',
  'target',
  'maximum',
  'backends',
  'tags',
  'durability',
  'tiers',
  'offSite',
  'maxCostPerGiBMonth',
] as const
const durabilities = ['single', 'quorum', 'all', 'tiered']
/** As many backends as there may be. */
export const maxBackends = 16

function checkRequirement(keep: Requirement, where: string): void {
  checkKeys(keep, requirementKeys, where, refuse)
  const { minimum, target, maximum, durability = 'quorum', tiers, offSite = false } = keep
  checkWhole(minimum, 1, maxBackends, `${where}.minimum`, refuse)
  checkWhole(target, minimum, maxBackends, `${where}.target`, refuse)
  checkWhole(maximum, target, maxBackends, `${where}.maximum`, refuse)
  for (const key of ['backends', 'tags', 'tiers'] as const) {
    if (keep[key] !== undefined) checkTexts(keep[key], `${where}.${key}`, refuse)
  }
  if (!durabilities.includes(durability)) {
    throw refuse(`${where}.durability is one of ${durabilities.join(', ')}, not ${String(durability)}`)
  }
  if (durability === 'tiered' && tiers === undefined) throw refuse(`${where} is tiered and names no tiers`)
  if (durability !== 'tiered' && tiers !== undefined) throw refuse(`${where} has tiers and is not tiered`)
  if (typeof offSite !== 'boolean') throw refuse(`${where}.offSite is true or false, not ${String(offSite)}`)
  if (keep.maxCostPerGiBMonth !== undefined) {
    checkAmount(keep.maxCostPerGiBMonth, `${where}.maxCostPerGiBMonth`, refuse)
  }
}

const refuse: Refuse = (message) =>
  new PlacementError('PLACEMENT_POLICY_INVALID', `A policy cannot be used: ${message}`)
