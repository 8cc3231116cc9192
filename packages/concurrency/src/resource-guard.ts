/** A resource guard: shows that something is used by two tasks at once, where nobody should have to wait. */
import { currentNode } from './ambient.ts'
import { checkOptions } from './checks.ts'
import { ConcurrencyError } from './errors.ts'
import type { NamedOptions } from './semaphore.ts'
import { taskAround, titleOf } from './task-around.ts'

/** A frozen look at a resource guard. */
export interface ResourceGuardStats {
  readonly busy: boolean
  /** The name of the task that is inside; `undefined` if nobody is, or code outside any task. */
  readonly holder: string | undefined
}

/** For what one task uses at a time by design, and where a second one is a mistake: the reading side of a socket. */
export interface ResourceGuard {
  readonly name: string
  /**
   * Marks the resource as in use, until what this returns is disposed of: `using _ = guard.enter()`. Disposing of it again
   * changes nothing.
   *
   * @throws ConcurrencyError CONCURRENCY_BUSY if it is in use, also by the same task; the message names who is inside
   */
  enter(): Disposable
  stats(): ResourceGuardStats
}

class OneAtATime implements ResourceGuard {
  readonly name: string
  #inside: Entered | undefined

  constructor(name: string) {
    this.name = name
  }

  enter(): Disposable {
    const task = taskAround(currentNode())
    if (this.#inside !== undefined) {
      throw new ConcurrencyError(
        'CONCURRENCY_BUSY',
        `${titleOf(task)} entered "${this.name}" while ${this.#inside.title} was inside`,
      )
    }
    const entered = new Entered(titleOf(task), task?.name, (one) => {
      if (this.#inside === one) this.#inside = undefined
    })
    this.#inside = entered
    return entered
  }

  stats(): ResourceGuardStats {
    return Object.freeze({ busy: this.#inside !== undefined, holder: this.#inside?.task })
  }
}

class Entered implements Disposable {
  readonly title: string
  readonly task: string | undefined
  readonly #leave: (entered: Entered) => void

  constructor(title: string, task: string | undefined, leave: (entered: Entered) => void) {
    this.title = title
    this.task = task
    this.#leave = leave
  }

  [Symbol.dispose](): void {
    this.#leave(this)
  }
}

/** Makes a guard of something that nobody uses yet. */
export function createResourceGuard(options?: NamedOptions): ResourceGuard {
  checkOptions(options, ['name'])
  return new OneAtATime(options?.name ?? 'resource')
}
