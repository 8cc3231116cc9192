/**
 * Copies of content by policy: how many, where, how durable, at what cost.
 *
 * @packageDocumentation
 */
export { PlacementError, placementErrors, type PlacementErrorCode } from './errors.ts'
export { createEvaluator, type CopyHealth, type Evaluator, type Health, type Verdict } from './evaluator.ts'
export type { HealthState } from './evidence.ts'
export type {
  BackendFacts,
  Conditions,
  Content,
  Copy,
  Durability,
  Policy,
  Requirement,
  Rule,
} from './policy.ts'
