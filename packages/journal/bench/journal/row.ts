/** What a row of the bench is. */

/** A result without its value. */
export interface Spec {
  readonly id: string
  readonly measure: string
  readonly unit: string
  readonly bar: string
}

/** What was measured for an id. */
export interface Measured {
  readonly value: number
  readonly samples: readonly number[]
  readonly detail: Readonly<Record<string, unknown>>
}

/** Where and how much a row measures. */
export interface Task {
  /** An empty folder, removed afterwards. */
  readonly folder: string
  readonly quick: boolean
  readonly log: (line: string) => void
}

/** Results that are measured together. */
export interface Row {
  readonly specs: readonly Spec[]
  /** One value for each id. */
  measure(task: Task): Promise<Readonly<Record<string, Measured>>>
}
