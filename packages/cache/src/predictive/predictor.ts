/** What will be asked next: the links of a DAG, runs of positions, and what came after a key before. No I/O. */
import { random } from '@ipfs-kit/concurrency'
import { hashWhole } from '../hash-key.ts'
import { DagPlan, type Step } from './dag-plan.ts'
import { checkKeyAt, checkPosition, checkPredictorOptions } from './predictor-options.ts'
import { nearBy, Runs } from './runs.ts'
import { Successors } from './successors.ts'
import { WorkloadWindow, type ReadKind, type Workload } from './workload.ts'

/** Why a key is expected, in the order of trust: a link of the DAG; a run of positions or a stride; a successor. */
export type PredictionSource = 'links' | 'run' | 'successor'

/** A key that is expected. */
export interface Prediction {
  readonly key: string
  readonly source: PredictionSource
  /** 1 to 3, as the two bits of the counter behind it. */
  readonly confidence: number
}

/** Options of {@link createPredictor}. */
export interface PredictorOptions {
  /**
   * Keys whose successor is remembered, 4 to 16,777,216. Each takes 5 bytes beside the key. Successors of more than 1,024
   * characters are not remembered. Default 65,536.
   */
  readonly maxKeys?: number
}

/** Options of {@link Predictor.stream}. */
export interface StreamOptions {
  /** The key at a position, 0 or more; `undefined` if there is none. Without it runs are only counted. */
  readonly keyAt?: (position: number) => string | undefined
}

/** What is known about a read. */
export interface ReadAbout {
  /** Where the key stands in an order of the reader's: a number of a block, of a chunk. */
  readonly position?: number
  /** Keys that the block links to, in their order. They may be told later, by {@link PredictionStream.expand}. */
  readonly links?: readonly string[]
  /** It was answered from nearby: the successor table, which is about what is not, takes no note of it. Default false. */
  readonly isCached?: boolean
}

/** The reads of one reader, in their order. Its memory: links of the path where it is, at most 32 nodes of 8,192 each. */
export interface PredictionStream {
  /**
   * Notes that a key is read.
   *
   * @returns true if the reader has gone to another place than the one that was expected
   * @throws TypeError, RangeError for what is no key, position or link
   */
  observe(key: string, about?: ReadAbout): boolean
  /** Notes the links of a key: of the last one read, or of one that is still to come. */
  expand(key: string, links: readonly string[]): void
  /** Up to `limit` keys that come next, the nearest first. Those of a less trusted source come if there is room left. */
  predict(limit: number): Prediction[]
}

/** A frozen look at a predictor. */
export interface PredictorStats {
  /** Reads that were noted. */
  readonly observed: number
  /** Keys whose successor is known, and how many there may be. */
  readonly successors: number
  readonly maxKeys: number
  readonly workload: Workload
}

/** What readers have in common: which key came after which, and the kind of workload. */
export interface Predictor {
  /** The reads of a new reader. */
  stream(options?: StreamOptions): PredictionStream
  /** The class of the workload, with the counts that led to it. */
  classify(): Workload
  stats(): PredictorStats
}

/**
 * Makes a predictor. Its memory is bounded from the start: `maxKeys` successors, and the path of each stream.
 *
 * @throws TypeError, RangeError for options that are unknown or wrong
 */
export function createPredictor(options?: PredictorOptions): Predictor {
  return new SharedPredictor(checkPredictorOptions(options))
}

/** Two bits: from the upper two on, what is next in the DAG is expected to be asked for. */
const trusted = 2
const fullTrust = 3

class SharedPredictor implements Predictor {
  readonly successors: Successors
  readonly window = new WorkloadWindow()
  readonly seed = Math.trunc(random() * 2 ** 32)
  observed = 0
  /** Two bits: whether readers begin at the first of what a node links to. */
  start = trusted
  readonly #maxKeys: number

  constructor({ maxKeys }: { readonly maxKeys: number }) {
    this.#maxKeys = maxKeys
    this.successors = new Successors(maxKeys)
  }

  stream(options?: StreamOptions): PredictionStream {
    return new ReaderStream(this, checkKeyAt(options))
  }

  classify(): Workload {
    return this.window.look()
  }

  stats(): PredictorStats {
    const { observed, successors } = this
    const workload = this.classify()
    return Object.freeze({ observed, successors: successors.size, maxKeys: this.#maxKeys, workload })
  }
}

class ReaderStream implements PredictionStream {
  readonly #shared: SharedPredictor
  readonly #keyAt: StreamOptions['keyAt']
  readonly #plan = new DagPlan()
  readonly #runs = new Runs()
  /** Whether this reader goes in the order of the DAG. */
  #trust: number
  /** Hash of the last key that was not nearby. */
  #last: number | undefined
  /** Hash of the last key. */
  #current: number | undefined
  #key = ''

  constructor(shared: SharedPredictor, keyAt: StreamOptions['keyAt']) {
    this.#shared = shared
    this.#keyAt = keyAt
    this.#trust = shared.window.on.links && shared.start >= trusted ? trusted : 0
  }

  observe(key: string, about: ReadAbout = {}): boolean {
    if (typeof key !== 'string') throw new TypeError(`A key is a string, not ${typeof key}`)
    const { position, links, isCached = false } = about
    if (position !== undefined) checkPosition(position)
    const shared = this.#shared
    shared.observed += 1
    const inDag = this.#plan.visit(key)
    if (links !== undefined) this.expand(key, links)
    const inRun = position === undefined ? undefined : this.#runs.visit(position)
    if (inDag.step === 'next') this.#trust = Math.min(this.#trust + 1, fullTrust)
    else if (inDag.step === 'jump') this.#trust = Math.max(this.#trust - 1, 0)
    // Whoever goes down to another than the first looks for a place: it has to go on from there first.
    else if (inDag.step === 'descent') this.#trust = Math.min(this.#trust, trusted - 1)
    if (inDag.isFirstBelow)
      shared.start =
        inDag.step === 'next' ? Math.min(shared.start + 1, fullTrust) : Math.max(shared.start - 1, 0)
    const kind = kindOf(inDag.step, inRun?.step)
    const hash = hashWhole(key, shared.seed)
    const isRepeated = !isCached && kind === undefined && this.#isSuccessor(key)
    // What the order of a DAG tells needs no place in the table.
    if (!isCached && this.#last !== undefined && this.#last !== hash && inDag.step !== 'next')
      shared.successors.learn(this.#last, key)
    if (!isCached) this.#last = hash
    this.#current = isCached ? undefined : hash
    this.#key = key
    const distance = Math.min(inDag.distance, inRun?.distance ?? Number.POSITIVE_INFINITY)
    // Going down into a node says nothing about where a reader goes next.
    if (inDag.step === 'descent' && inRun === undefined) return true
    if (kind !== undefined) shared.window.add(kind)
    else if (isRepeated) shared.window.add('repeated')
    else if (!isCached) shared.window.add(distance <= nearBy ? 'near' : 'other')
    return kind === undefined && (inDag.step === 'jump' || inRun?.step === 'jump')
  }

  expand(key: string, links: readonly string[]): void {
    if (!Array.isArray(links) || links.some((link) => typeof link !== 'string'))
      throw new TypeError('links is a list of keys, which are strings')
    this.#plan.expand(key, links)
  }

  predict(limit: number): Prediction[] {
    if (!(limit >= 1)) return []
    const predictions = this.#fromLinks(limit)
    if (predictions.length < limit) this.#add(predictions, this.#fromRun(limit), limit)
    if (predictions.length === 0) this.#add(predictions, this.#fromSuccessors(), limit)
    return predictions
  }

  #isSuccessor(key: string): boolean {
    return this.#last !== undefined && this.#shared.successors.find(this.#last)?.key === key
  }

  #fromLinks(limit: number): Prediction[] {
    const strided = this.#plan.strided(limit)
    if (strided !== undefined) {
      if (strided.repeats < this.#leastRepeats) return []
      const confidence = Math.min(strided.repeats, fullTrust)
      return strided.keys.map((key) => ({ key, source: 'run', confidence }))
    }
    if (this.#trust < trusted) return []
    const confidence = this.#trust
    return this.#plan.inOrder(limit).map((key) => ({ key, source: 'links', confidence }))
  }

  *#fromRun(limit: number): Generator<Prediction, void, undefined> {
    const keyAt = this.#keyAt
    if (keyAt === undefined || this.#runs.repeats < this.#leastRepeats) return
    const confidence = Math.min(this.#runs.repeats, fullTrust)
    let left = limit
    for (const position of this.#runs.ahead()) {
      const key = keyAt(position)
      if (key === undefined || left === 0) return
      left -= 1
      yield { key, source: 'run', confidence }
    }
  }

  *#fromSuccessors(): Generator<Prediction, void, undefined> {
    if (this.#current === undefined) return
    const next = this.#shared.successors.find(this.#current)
    if (next === undefined || next.confidence < (this.#shared.window.on.successor ? 1 : fullTrust)) return
    yield { key: next.key, source: 'successor', confidence: next.confidence }
  }

  #add(predictions: Prediction[], more: Iterable<Prediction>, limit: number): void {
    const keys = new Set(predictions.map(({ key }) => key)).add(this.#key)
    for (const prediction of more) {
      if (predictions.length === limit) return
      if (keys.has(prediction.key)) continue
      keys.add(prediction.key)
      predictions.push(prediction)
    }
  }

  get #leastRepeats(): number {
    return this.#shared.window.on.run ? 2 : 4
  }
}

function kindOf(inDag: Step, inRun: Step | undefined): ReadKind | undefined {
  if (inDag === 'next' || inRun === 'next') return 'inOrder'
  return inDag === 'stride' || inRun === 'stride' ? 'strided' : undefined
}
