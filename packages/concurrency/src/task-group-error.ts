/** The failures of a task group. */
import { describeThrown } from './errors.ts'

/**
 * What a task group rejects with when tasks of it, or its body, failed: all failures, each once, in the order in which
 * they happened. Cancellations are not among them.
 */
export class TaskGroupError extends AggregateError {
  override readonly name = 'TaskGroupError'
  /** The name of the group. */
  readonly group: string
  declare readonly errors: unknown[]

  constructor(errors: readonly unknown[], group: string) {
    super([...errors], summary(errors, group), { cause: errors[0] })
    this.group = group
  }

  /** The errors at the leaves: those of groups inside groups stand in the place of their `TaskGroupError`. */
  flatten(): unknown[] {
    return this.errors.flatMap((error) => (error instanceof TaskGroupError ? error.flatten() : [error]))
  }

  /**
   * Parts the leaves by `predicate`, and keeps the nesting.
   *
   * @returns the part for which it holds and the rest, each `undefined` if it is empty
   */
  split(
    predicate: (error: unknown) => boolean,
  ): [matching: TaskGroupError | undefined, rest: TaskGroupError | undefined] {
    const matching: unknown[] = []
    const rest: unknown[] = []
    for (const error of this.errors) {
      if (error instanceof TaskGroupError) {
        const [inner, outer] = error.split(predicate)
        if (inner !== undefined) matching.push(inner)
        if (outer !== undefined) rest.push(outer)
      } else if (predicate(error)) matching.push(error)
      else rest.push(error)
    }
    const part = (errors: unknown[]) =>
      errors.length === 0 ? undefined : new TaskGroupError(errors, this.group)
    return [part(matching), part(rest)]
  }
}

function summary(errors: readonly unknown[], group: string): string {
  const first = describeThrown(errors[0])
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  return `task group "${group}" failed: ${first}${more}`
}
