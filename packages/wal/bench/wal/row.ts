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

/** Results that are measured together. */
export interface Row {
  readonly specs: readonly Spec[]
  /** Measures in a folder of its own; one value for each id. */
  measure(task: {
    readonly folder: string
    readonly quick: boolean
    readonly log: (line: string) => void
  }): Promise<Readonly<Record<string, Measured>>>
}
