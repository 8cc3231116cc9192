/** What runs in a worker of a pool: one call after the other. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { MessagePort, Transferable } from 'node:worker_threads'
import { parentPort } from 'node:worker_threads'
import { ConcurrencyError } from '../errors.ts'
import { compile } from './compile.ts'
import { toFailure } from './failure.ts'
import type { Call, Outcome, Target, WorkerMessage } from './messages.ts'
import { PortalCaller } from './portal-caller.ts'
import { notCloneable } from './portal.ts'
import { unwrap } from './transfer.ts'

/** The first and only message of the public port: the private one. Functions of calls see the public one alone. */
const pool = await new Promise<MessagePort>((resolve) => parentPort!.once('message', resolve))

/** The call in whose name something runs, also when its timers and promises outlive it. */
const origin = new AsyncLocalStorage<Call>()
let running: Call | undefined

function tell(message: WorkerMessage, list?: readonly Transferable[]): void {
  pool.postMessage(message, list)
}

async function answer(call: Call): Promise<void> {
  running = call
  const { outcome, list } = await outcomeOf(call)
  const { id, target } = call
  try {
    tell({ type: 'answer', id, outcome }, list)
  } catch (error) {
    const failure = toFailure(notCloneable(`the result of ${target.name}`, error))
    tell({ type: 'answer', id, outcome: { type: 'failed', failure } })
  }
  running = undefined
}

async function outcomeOf({
  target,
  args,
  portal: end,
}: Call): Promise<{ readonly outcome: Outcome; readonly list: readonly Transferable[] }> {
  const portal = end === undefined ? undefined : new PortalCaller(end)
  try {
    const fn = await find(target)
    const { value, list } = unwrap(await (portal === undefined ? fn(...args) : fn(...args, portal)))
    return { outcome: { type: 'done', value }, list }
  } catch (error) {
    return { outcome: { type: 'failed', failure: toFailure(error) }, list: [] }
  } finally {
    portal?.close()
  }
}

type Found = (...args: unknown[]) => unknown

/** Exports that were found, by module and name: asking for a module again takes longer than many a call. */
const found = new Map<string, Found>()

async function find(target: Target): Promise<Found> {
  if (target.type === 'source') return compile(target.source)() as Found
  const key = JSON.stringify([target.module, target.name])
  const known = found.get(key)
  if (known !== undefined) return known
  const module = (await import(target.module)) as Record<string, unknown>
  const fn = Object.hasOwn(module, target.name) ? module[target.name] : undefined
  if (typeof fn === 'function') {
    found.set(key, fn as Found)
    return fn as Found
  }
  throw new ConcurrencyError(
    'CONCURRENCY_THREAD_NO_FUNCTION',
    `${target.module} exports no function ${target.name}`,
  )
}

/** The name of the call that left behind what runs now, if that is not the present call. */
function lateName(): string | undefined {
  const call = origin.getStore()
  return call === undefined || call === running ? undefined : call.target.name
}

process.on('uncaughtException', (error) => {
  // A function, or a module that it loaded, listens itself and knows better.
  if (process.listenerCount('uncaughtException') > 1) return
  const name = lateName()
  const failure = toFailure(error)
  if (name !== undefined) tell({ type: 'late', name, failure })
  else {
    tell({ type: 'uncaught', failure })
    process.exit(1)
  }
})
process.on('exit', () => {
  const name = lateName()
  if (name !== undefined) tell({ type: 'exits', name })
})
pool.on('message', (call: Call) => void origin.run(call, answer, call))
pool.on('messageerror', (error: Error) => {
  tell({ type: 'unreadable', failure: toFailure(notCloneable('an argument', error)) })
})
tell({ type: 'ready' })
