/**
 * Copies of content by policy: how many, where, how durable, at what cost.
 *
 * @packageDocumentation
 */
export { PlacementError, placementErrors, type PlacementErrorCode } from './errors.ts'
export { createEvaluator, type CopyHealth, type Evaluator, type Health, type Verdict } from './evaluator.ts'
export type { HealthState } from './evidence.ts'
export { openPlacement } from './open-placement.ts'
export type {
  CallOptions,
  ContentHealth,
  NewContent,
  PlacedBackend,
  Placement,
  PlacementOptions,
  PlacementStats,
  PlacementWal,
  QueuedCopy,
} from './placement.ts'
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
export type { BackendSummary, Summary } from './tally.ts'
