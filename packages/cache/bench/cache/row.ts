/** What a row of the bench is. */

/** What is agreed about a result. */
export interface Spec {
  readonly id: string
  readonly measure: string
  readonly unit: string
  readonly bar: string
}

/** What a measurement brings. */
export interface Measured {
  readonly value: number
  readonly samples: readonly number[]
  readonly detail: Readonly<Record<string, unknown>>
}

/** Where and what a row measures. */
export interface Task {
  readonly quick: boolean
  /** The ids that are asked for: at least one of the row's. */
  readonly only: ReadonlySet<string>
  /** The folder of the traces. */
  readonly traces: string
  readonly log: (line: string) => void
}

/** Results that come from one measurement. */
export interface Row {
  readonly specs: readonly Spec[]
  /** Gives a value for each id that is asked for; others are left away by the caller. */
  measure(task: Task): Promise<Readonly<Record<string, Measured>>>
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

export function round3(value: number): number {
  return Math.round(value * 1000) / 1000
}
