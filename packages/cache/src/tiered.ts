/**
 * Several storage backends as one, the fastest first.
 *
 * @packageDocumentation
 */
export type { BatchItem, BatchOptions, Source } from './tiered/batch.ts'
export type { BreakerState, BreakerStats } from './tiered/breaker.ts'
export type { ClearedTier } from './tiered/clear.ts'
export type { DemotionReport } from './tiered/demotion.ts'
export type { KeyExplanation, TierExplanation } from './tiered/explain.ts'
export { createTieredBlockstore } from './tiered/helia.ts'
export { createMemoryTier, type MemoryTier, type MemoryTierOptions } from './tiered/memory-tier.ts'
export type { MoveReport } from './tiered/move.ts'
export type {
  BreakerRules,
  TieredPolicy,
  TierEntry,
  TierRules,
  TierUsage,
  UsedPart,
} from './tiered/policy.ts'
export type { QueryItem } from './tiered/query.ts'
export type { TierEvent } from './tiered/reports.ts'
export type { TierStats } from './tiered/tier.ts'
export { tiered, type PutItem, type ReadOptions, type Tiered, type TieredStats } from './tiered/tiered.ts'
