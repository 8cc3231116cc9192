/**
 * What a bench file is. A file `bench/AREA.ts` of a package has one default export, a plain object of the shape
 * {@link Bench}; it imports nothing from here (relative imports do not leave a package), and the runner refuses what has
 * another shape. Files that several areas share lie in a folder below `bench/`.
 */

/** The default export of `bench/AREA.ts`. */
export interface Bench {
  /** The name of the file without `.ts`; it is unique in the workspace. */
  readonly area: string
  /** The ids of all results that a whole run gives, each once. `--only` is checked against them. */
  readonly ids: readonly string[]
  /** Options of its own, each with a text behind it on the command line: their names, and what they are. */
  readonly options?: Readonly<Record<string, string>>
  /** Measures, and gives one result for each id that was asked for. */
  run(options: BenchOptions): Promise<readonly BenchResult[]>
}

/** What the command line asked for. */
export interface BenchOptions {
  /** Use lower counts; the numbers are for looking at, not for comparing. */
  readonly quick: boolean
  /** The ids to measure; absent means all. */
  readonly only?: ReadonlySet<string>
  /** The bench's own options that the command line has. */
  readonly given: Readonly<Record<string, string>>
  /** A line about what is going on, shown on stderr. */
  readonly log: (line: string) => void
}

/** One measured number. */
export interface BenchResult {
  readonly id: string
  /** What was measured, in words. */
  readonly measure: string
  /** The number, or null if it could not be measured. */
  readonly value: number | null
  /** `ratio`, `s`, `MiB`, … */
  readonly unit: string
  /** What the value has to reach: `>= 0.8`, `<= 2`, `> 1`, `< 5` or `== 0`. Absent where nothing was agreed. */
  readonly bar?: string
  /** Why there is no value; present exactly if `value` is null. */
  readonly why?: string
  /** The single measurements that the value was taken from. */
  readonly samples?: readonly number[]
  /** More about the run: sizes, counts, the peer's numbers. Becomes JSON as it is. */
  readonly detail?: Readonly<Record<string, unknown>>
}

/** A result with the verdict of the runner. */
export interface JudgedResult extends BenchResult {
  /** Whether the value reaches the bar: false without a value, null without a bar. */
  readonly holds: boolean | null
}

/** The one object that `--json` prints. */
export interface BenchReport {
  readonly area: string
  /** True if the counts were lowered by `--quick`. */
  readonly quick: boolean
  readonly machine: {
    /** `v24.21.0` */
    readonly node: string
    /** Processors that the process may use. */
    readonly cpus: number
    /** Name of the processor. */
    readonly model: string
    /** Bytes of memory in the machine. */
    readonly memory: number
    /** `linux-x64` */
    readonly platform: string
  }
  readonly results: readonly JudgedResult[]
}
