/** What runs in a worker of a pool: one call after the other. */
import type { Transferable } from 'node:worker_threads'
import { parentPort } from 'node:worker_threads'
import { ConcurrencyError } from '../errors.ts'
import { compile } from './compile.ts'
import { toFailure } from './failure.ts'
import type { Call, Target, WorkerMessage } from './messages.ts'
import { PortalCaller } from './portal-caller.ts'
import { notCloneable } from './portal.ts'
import { unwrap } from './transfer.ts'

const pool = parentPort!

function tell(message: WorkerMessage, list?: readonly Transferable[]): void {
  pool.postMessage(message, list)
}

async function answer({ target, args, portal: end }: Call): Promise<void> {
  const portal = end === undefined ? undefined : new PortalCaller(end)
  let result: unknown
  try {
    const fn = await find(target)
    result = await (portal === undefined ? fn(...args) : fn(...args, portal))
  } catch (error) {
    portal?.close()
    tell({ type: 'failed', failure: toFailure(error) })
    return
  }
  portal?.close()
  const { value, list } = unwrap(result)
  try {
    tell({ type: 'done', value }, list)
  } catch (error) {
    tell({ type: 'failed', failure: toFailure(notCloneable(`the result of ${target.name}`, error)) })
  }
}

async function find(target: Target): Promise<(...args: unknown[]) => unknown> {
  if (target.type === 'source') return compile(target.source)() as (...args: unknown[]) => unknown
  const module = (await import(target.module)) as Record<string, unknown>
  const fn = Object.hasOwn(module, target.name) ? module[target.name] : undefined
  if (typeof fn === 'function') return fn as (...args: unknown[]) => unknown
  throw new ConcurrencyError(
    'CONCURRENCY_THREAD_NO_FUNCTION',
    `${target.module} exports no function ${target.name}`,
  )
}

pool.on('message', (call: Call) => void answer(call))
pool.on('messageerror', (error: Error) => {
  tell({ type: 'failed', failure: toFailure(notCloneable('an argument', error)) })
})
tell({ type: 'ready' })
