/**
 * Worker threads: functions that run beside the event loop, really stopped when they are cancelled or take too long.
 * Only where there is `node:worker_threads`.
 *
 * @packageDocumentation
 */
export {
  createThreadPool,
  type ThreadPool,
  type ThreadPoolOptions,
  type ThreadPoolStats,
  type ThreadResult,
  type ThreadRunOptions,
} from './thread/pool.ts'
export { thread } from './thread/default-pool.ts'
export type { Portal, PortalFunctions } from './thread/portal.ts'
export type { ThreadModule } from './thread/target.ts'
export { transfer, type Transfer } from './thread/transfer.ts'
