/**
 * Structured concurrency for plain async functions.
 *
 * @packageDocumentation
 */
export { currentScope } from './ambient.ts'
export {
  backendFromEnvironment,
  backendVariable,
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
export { channel, type ChannelStats, type ReceiveEnd, type SendEnd } from './channel.ts'
export { ConcurrencyError, concurrencyErrors, type ConcurrencyErrorCode, type FaultKind } from './errors.ts'
export { onTask, taskChannelName, type TaskEvent } from './instruments.ts'
export { createOwner, type Owner, type OwnerOptions, type OwnerStats } from './owner.ts'
export type { Permit } from './permit.ts'
export type { Scope, ScopeOptions, WaitOptions } from './scope.ts'
export { createSemaphore, type NamedOptions, type Semaphore, type SemaphoreStats } from './semaphore.ts'
export { checkpoint, now, random, sleep, sleepUntil, throwIfCancelled } from './sleep.ts'
export { run, suspend, type Resume, type SuspendOptions, type Undo } from './suspend.ts'
export { TaskGroupError } from './task-group-error.ts'
export { taskGroup, type TaskGroup, type TaskOptions } from './task-group.ts'
export type { Task, TaskState } from './task.ts'
export { formatTree, tree, type TreeNode, type TreeWait } from './tree.ts'
