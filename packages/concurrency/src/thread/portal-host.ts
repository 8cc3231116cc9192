/** The caller's end of a portal: runs what the worker asks for. */
import type { Transferable } from 'node:worker_threads'
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import { checkFunction } from '../checks.ts'
import { ConcurrencyError } from '../errors.ts'
import type { Scope } from '../scope.ts'
import type { TaskGroup } from '../task-group.ts'
import { toFailure } from './failure.ts'
import type { Outcome, PortalAnswer, PortalCall, PortalEnd } from './messages.ts'
import { notCloneable, type PortalFunctions } from './portal.ts'
import { unwrap } from './transfer.ts'

/** An open portal. */
export interface PortalHost {
  /** For the worker; its port is to be transferred. */
  readonly end: PortalEnd
  /** Begins what the worker asked for before it ended, and takes no more. What was begun goes on in the group. */
  close(): void
}

/** Checks the functions of a portal. */
export function checkPortal(functions: PortalFunctions): void {
  if (typeof functions !== 'object' || functions === null) {
    throw new TypeError('portal is not an object of functions')
  }
  for (const [name, fn] of Object.entries(functions)) checkFunction(fn, `portal.${name}`)
}

/** Opens a portal. Each call of it is a task of `group`. */
export function openPortal(functions: PortalFunctions, group: TaskGroup): PortalHost {
  const { port1: port, port2 } = new MessageChannel()
  const answers = new SharedArrayBuffer(4)
  const count = new Int32Array(answers)

  const answer = async (call: PortalCall, task: Scope): Promise<void> => {
    let outcome: Outcome
    let list: readonly Transferable[] = []
    try {
      const result = unwrap(await find(functions, call.name)(...(call.args as never[])))
      outcome = { type: 'done', value: result.value }
      list = result.list
    } catch (error) {
      // The worker of a cancelled call is being ended; there is nobody to tell.
      if (task.cancelled) throw error
      outcome = { type: 'failed', failure: toFailure(error) }
    }
    try {
      port.postMessage({ id: call.id, outcome } satisfies PortalAnswer, list)
    } catch (error) {
      const failure = toFailure(notCloneable(`the result of portal ${call.name}`, error))
      port.postMessage({ id: call.id, outcome: { type: 'failed', failure } } satisfies PortalAnswer)
    }
    Atomics.add(count, 0, 1)
    Atomics.notify(count, 0)
  }
  const take = (call: PortalCall): void => {
    if (!group.cancelled) group.spawn((task) => answer(call, task), { name: `portal ${call.name}` })
  }
  port.on('message', take)

  return {
    end: { port: port2, answers },
    close() {
      // What the worker said last may be here without having been told.
      for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) {
        take(next.message as PortalCall)
      }
      port.close()
    },
  }
}

function find(functions: PortalFunctions, name: string): (...args: never[]) => unknown {
  const fn = Object.hasOwn(functions, name) ? functions[name] : undefined
  if (fn !== undefined) return fn
  throw new ConcurrencyError('CONCURRENCY_THREAD_PORTAL_UNKNOWN', `there is no portal ${name}`)
}
