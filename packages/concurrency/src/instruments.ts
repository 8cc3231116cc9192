/** What happens to tasks, published while somebody listens. */
import { host } from '#host'
import { checkFunction } from './checks.ts'
import { taskAround } from './task-around.ts'
import type { AnyTask } from './task.ts'

/** One step in the life of a task. */
export interface TaskEvent {
  readonly type: 'spawned' | 'began' | 'ended'
  readonly backend: 'native' | 'sim'
  /** The number of the task on its backend, from 1. */
  readonly id: number
  /** The number of the task that its group lies in; `undefined` outside any task. */
  readonly parentId: number | undefined
  /** The name of the task. */
  readonly task: string
  /** The name of the group or owner it runs in. */
  readonly group: string
  /** Milliseconds on the clock of its backend. */
  readonly at: number
  /** How it ended; only with `type: 'ended'`. */
  readonly state?: 'done' | 'failed' | 'cancelled' | undefined
  /** What it failed with; only with `state: 'failed'`. */
  readonly error?: unknown
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
export function publishTask(task: AnyTask, type: TaskEvent['type']): void {
  const { state, parent } = task
  const event: TaskEvent = {
    type,
    backend: task.kernel.name,
    id: task.id,
    parentId: parent === undefined ? undefined : taskAround(parent)?.id,
    task: task.name,
    group: parent?.name ?? '',
    at: task.kernel.now(),
    ...(state === 'pending' ? {} : { state }),
    ...(state === 'failed' ? { error: task.failure } : {}),
  }
  taskChannel.publish(event)
}
