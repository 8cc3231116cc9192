/**
 * Structured concurrency for plain async functions.
 *
 * @packageDocumentation
 */
export { currentScope } from './ambient.ts'
export { asCompleted } from './as-completed.ts'
export {
  nativeBackend,
  sim,
  withBackend,
  type Backend,
  type BackendOptions,
  type NativeBackend,
  type SimBackend,
  type SimMode,
  type SimOptions,
} from './backend.ts'
export { AbortError, TimeoutError, type CancelSource } from './cancel-reason.ts'
export {
  cancelScope,
  failAfter,
  failAt,
  moveOnAfter,
  moveOnAt,
  shield,
  type ScopeBody,
  type TimedOptions,
} from './cancel-scope.ts'
export {
  createCapacityLimiter,
  type BorrowOptions,
  type CapacityLimiter,
  type CapacityLimiterStats,
} from './capacity-limiter.ts'
export { channel, type ChannelStats, type ReceiveEnd, type SendEnd } from './channel.ts'
export { createCondition, type Condition, type ConditionStats } from './condition.ts'
export { ConcurrencyError, concurrencyErrors, type ConcurrencyErrorCode, type FaultKind } from './errors.ts'
export { createEvent, type Event, type EventStats } from './event.ts'
export { fromReadable, type StreamReceiveEnd } from './from-readable.ts'
export { onTask, taskChannelName, type TaskEvent } from './instruments.ts'
export { createKeyedLock, type KeyedLock, type KeyedLockStats } from './keyed-lock.ts'
export { createLock, type Lock, type LockStats } from './lock.ts'
export { map } from './map.ts'
export {
  backendStats,
  monitor,
  type BackendStats,
  type LoopDelay,
  type Monitor,
  type MonitorOptions,
  type MonitorStats,
} from './monitor.ts'
export { createOwner, type Owner, type OwnerOptions, type OwnerStats } from './owner.ts'
export type { Permit } from './permit.ts'
export { race, type RaceOptions } from './race.ts'
export { createResourceGuard, type ResourceGuard, type ResourceGuardStats } from './resource-guard.ts'
export { run } from './run.ts'
export type { Scope, ScopeOptions, WaitOptions } from './scope.ts'
export { createSemaphore, type NamedOptions, type Semaphore, type SemaphoreStats } from './semaphore.ts'
export { checkpoint, now, random, sleep, sleepUntil, throwIfCancelled } from './sleep.ts'
export type { EachOptions, Source } from './spawn-each.ts'
export { suspend, type Resume, type SuspendOptions, type Undo } from './suspend.ts'
export { TaskGroupError } from './task-group-error.ts'
export { taskGroup, type TaskGroup, type TaskOptions } from './task-group.ts'
export type { Task, TaskState } from './task.ts'
export { formatTree, tree, type TreeNode, type TreeWait } from './tree.ts'
export { toReadable, toWritable, type StreamOptions } from './web-streams.ts'
