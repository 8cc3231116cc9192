/** What a row of the bench is. */

/** What the command line asked for. */
export interface Options {
  readonly quick: boolean
  readonly only?: ReadonlySet<string>
  readonly log: (line: string) => void
}

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

/** A result as the runner takes it. */
export interface Result extends Spec, Partial<Omit<Measured, 'value'>> {
  readonly value: number | null
  readonly why?: string
}

/** Where and what a row measures. */
export interface Task {
  readonly quick: boolean
  /** The ids that are asked for: at least one of the row's. */
  readonly only: ReadonlySet<string>
  /** An empty folder, removed afterwards. */
  readonly folder: string
  readonly log: (line: string) => void
}

/** Results that come from one measurement. */
export interface Row {
  readonly specs: readonly Spec[]
  /** Gives a value for each id that is asked for; others are left away by the caller. */
  measure(task: Task): Promise<Readonly<Record<string, Measured>>>
}
