/** The pool of the program. */
import { createThreadPool, type ThreadPool } from './pool.ts'

/** A pool with all defaults. It starts no thread before its first call, and holds no program open. */
export const thread: ThreadPool = createThreadPool({ name: 'thread' })
