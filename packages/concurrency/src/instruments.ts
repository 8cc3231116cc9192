/** What happens to tasks, published while somebody listens. */
import { host } from '#host'
import { checkFunction } from './checks.ts'
import type { ScopeNode } from './scope-node.ts'

/** One step in the life of a task. */
export interface TaskEvent {
  readonly type: 'spawned' | 'began' | 'ended'
  readonly backend: 'native' | 'sim'
  /** The name of the task. */
  readonly task: string
  /** The name of the group or owner it runs in. */
  readonly group: string
  /** Milliseconds on the clock of its backend. */
  readonly at: number
  /** How it ended; only with `type: 'ended'`. */
  readonly state?: 'done' | 'failed' | 'cancelled' | undefined
}

/** The name of the diagnostics channel that carries {@link TaskEvent}s. */
export const taskChannelName = 'concurrency:task'

export const taskChannel = host.channel(taskChannelName)

/**
 * Listens to all tasks of the program. On Node the events are also those of the diagnostics channel `concurrency:task`.
 * Nothing is made while nobody listens.
 *
 * @returns a function that stops it
 */
export function onTask(listener: (event: TaskEvent) => void): () => void {
  checkFunction(listener, 'listener')
  const subscriber = (message: unknown) => listener(message as TaskEvent)
  taskChannel.subscribe(subscriber)
  return () => taskChannel.unsubscribe(subscriber)
}

/** Publishes a step of a task. */
export function publishTask(task: ScopeNode, type: TaskEvent['type'], state?: TaskEvent['state']): void {
  const event: TaskEvent = {
    type,
    backend: task.kernel.name,
    task: task.name,
    group: task.parent?.name ?? '',
    at: task.kernel.now(),
    ...(state === undefined ? {} : { state }),
  }
  taskChannel.publish(event)
}
