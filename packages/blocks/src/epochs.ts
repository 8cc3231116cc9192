/**
 * Which entries may die, told by two small numbers in each: `mark`, the epoch that reached it, and `stamp`, the era in
 * which a lease touched it last.
 *
 * Marks. There are three values, 1 to 3 in turn, and 0 for none. The last complete epoch has one (0 before there was
 * any), a run takes the next, `reaching`. The third is what the dead of the epoch before kept; a run's sweep turns it
 * into 0, so that nobody has it when its turn comes. A run never writes over the last complete value but with its own,
 * and both count as live until it is complete: until then the old epoch is in force, whatever was done so far. A run
 * that is abandoned leaves entries with `reaching`; before the next run a cleaning gives them the last complete value.
 *
 * Eras. They rise; an entry holds one modulo 255, plus 1, and 0 for none. An era begins with each run,
 * and with a lease if the current one was used. A lease stamps with the era of now, so what it touched has an era not before its
 * own. Held is thus: era at or after the oldest one with an open lease. A run also spares the eras of leases that closed
 * since it began: `spared` is taken at its beginning, from the open leases, or else the new era.
 *
 * Wrapping. A stamp says an era but for a multiple of 255, and is taken for the youngest one that it can be. So nothing is
 * ever taken for older than it is: of what was touched 255 eras ago or more, one entry in 255 may be held in vain, and
 * none too little. `oldest` is the oldest era that any entry may hold; a complete sweep, or a cleaning, clears what lies
 * before the open leases and moves it on. A run that would find stamps older than 255 eras is preceded by a cleaning;
 * each of the two begins an era, so that what the cleaning took for its own era the run takes for the one before.
 *
 * Why nothing dies that is claimed or leased:
 * - Claim recorded before the run began: the walk finds it, and every block below gets `reaching`.
 * - Claim recorded, and the lease closed, while it runs: the lease was open at some time since it began, so its stamps
 *   are not before `spared`, whether or not the walk was told of the claim.
 * - Lease opened before and closed after: its era is not before `spared`; and what it touches during the run has
 *   `reaching` as well.
 * - A claim that ends while it runs: what was reached lives until the next run, what was not is dead unless another
 *   claim reaches it, or a lease touched it for one. Whoever records a claim holds each of its blocks until then.
 * - A dead entry that is still there and that a lease finds again: it gets the last complete value and a stamp at once.
 *   The caller looks at `isLive` in the same turn as it removes an entry, so it is one or the other.
 * - Nothing is judged by a walk that did not end: `complete` is the only step that makes an entry dead.
 */
import type { Catalog, Handle } from './catalog.ts'

/** Eras that an entry can tell apart. */
const eras = 255

/** Leases' eras and the epochs of the mark. Steps of a run: cleaning if needed, `begin`, `reach`, `beginSweep`, `judge`, `complete`. */
export interface Epochs {
  /** Complete runs. */
  readonly epoch: number
  readonly openLeases: number
  /** The oldest era that is held. As long as it stays, nothing that is held ceases to be. */
  readonly heldSince: number
  /** Whether a run is between `begin` and `complete` or `abandon`. */
  readonly running: boolean

  /** A lease opens. The result is its era, to be given back to `leaseClosed`, once. */
  leaseOpened(): number
  leaseClosed(era: number): void
  /** A lease has put, found or taken hold of an entry. */
  touch(handle: Handle): void
  /** What a new entry begins with; `leased`: whether a lease puts it. */
  freshMark(leased: boolean): number
  freshStamp(leased: boolean): number

  /** Whether an open lease may have touched it; never false for one that did. */
  isHeld(handle: Handle): boolean
  /** Whether the last complete run reached it (or the one in progress did), or a lease holds it. True before the first one. */
  isLive(handle: Handle): boolean
  /** Whether the last complete run, or the one in progress, reached it. False before the first one. */
  isMarked(handle: Handle): boolean

  /** Whether a cleaning of all entries has to come before `begin`: after an abandoned run, or many eras. */
  readonly needsCleaning: boolean
  beginCleaning(): void
  clean(handle: Handle): void
  /** All entries were cleaned. */
  endCleaning(): void

  /** A run begins. To be called before the first claim is read. */
  begin(): void
  /** The walk has reached an entry. False if it was marked before. */
  reach(handle: Handle): boolean
  /** The walk has ended: every entry has to be judged next. */
  beginSweep(): void
  /** Whether an entry lives on in the epoch of this run. Changes nothing about the last complete one. */
  judge(handle: Handle): boolean
  /** All entries were judged: the run is the last complete one from here on. */
  complete(): void
  /** Ends a cleaning or a run without effect, wherever it is. Nothing happens if none is in progress. */
  abandon(): void
}

/** The epochs of a catalog that was just opened: no marks, no stamps. */
export function createEpochs(catalog: Pick<Catalog, 'mark' | 'setMark' | 'stamp' | 'setStamp'>): Epochs {
  return new CatalogEpochs(catalog)
}

type Phase = 'idle' | 'cleaning' | 'walking' | 'sweeping'

class CatalogEpochs implements Epochs {
  epoch = 0
  openLeases = 0
  readonly #catalog: Pick<Catalog, 'mark' | 'setMark' | 'stamp' | 'setStamp'>
  /** Open leases of each era. Eras are added in rising order, so the first is the oldest. */
  readonly #leases = new Map<number, number>()
  #phase: Phase = 'idle'
  /** Mark of the last complete run. */
  #complete = 0
  /** Mark of the next run, or the one in progress. */
  #reaching = 1
  /** Whether entries may hold `reaching` from an abandoned run. */
  #left = false
  #era = 0
  /** Whether something was stamped with the current era. */
  #used = false
  #oldest = 0
  /** Oldest era that the run in progress spares. */
  #spared = 0
  /** What the sweep or cleaning in progress moves `oldest` to. */
  #floor = 0

  constructor(catalog: Pick<Catalog, 'mark' | 'setMark' | 'stamp' | 'setStamp'>) {
    this.#catalog = catalog
  }

  get heldSince(): number {
    return this.#held()
  }

  get running(): boolean {
    return this.#phase === 'walking' || this.#phase === 'sweeping'
  }

  leaseOpened(): number {
    if (this.#used) this.#advance()
    this.#leases.set(this.#era, (this.#leases.get(this.#era) ?? 0) + 1)
    this.openLeases += 1
    return this.#era
  }

  leaseClosed(era: number): void {
    const left = (this.#leases.get(era) ?? 0) - 1
    if (left < 0) throw new RangeError(`no lease of era ${era} is open`)
    if (left === 0) this.#leases.delete(era)
    else this.#leases.set(era, left)
    this.openLeases -= 1
  }

  touch(handle: Handle): void {
    this.#catalog.setMark(handle, this.freshMark(true))
    this.#catalog.setStamp(handle, this.freshStamp(true))
  }

  freshMark(leased: boolean): number {
    if (!leased) return 0
    return this.running ? this.#reaching : this.#complete
  }

  freshStamp(leased: boolean): number {
    if (!leased) return 0
    this.#used = true
    return stampOf(this.#era)
  }

  isHeld(handle: Handle): boolean {
    return this.openLeases > 0 && this.#isSince(handle, this.#held())
  }

  isLive(handle: Handle): boolean {
    return this.epoch === 0 || this.isMarked(handle) || this.isHeld(handle)
  }

  isMarked(handle: Handle): boolean {
    const mark = this.#catalog.mark(handle)
    return mark !== 0 && (mark === this.#complete || mark === this.#reaching)
  }

  get needsCleaning(): boolean {
    return this.#left || (this.#era - this.#oldest >= eras - 1 && this.#held() > this.#oldest)
  }

  beginCleaning(): void {
    this.#enter('cleaning', 'idle')
    this.#advance()
    this.#floor = this.#held()
  }

  clean(handle: Handle): void {
    if (this.#left && this.#catalog.mark(handle) === this.#reaching)
      this.#catalog.setMark(handle, this.#complete)
    this.#clearStamp(handle)
  }

  endCleaning(): void {
    this.#enter('idle', 'cleaning')
    this.#left = false
    this.#oldest = this.#floor
  }

  begin(): void {
    if (this.#left) throw new Error('marks of an abandoned run have to be cleaned before the next one')
    this.#enter('walking', 'idle')
    this.#advance()
    this.#spared = this.#held()
  }

  reach(handle: Handle): boolean {
    if (this.#catalog.mark(handle) === this.#reaching) return false
    this.#catalog.setMark(handle, this.#reaching)
    return true
  }

  beginSweep(): void {
    this.#enter('sweeping', 'walking')
    this.#floor = this.#held()
  }

  judge(handle: Handle): boolean {
    const mark = this.#catalog.mark(handle)
    const lives = mark === this.#reaching || this.#isSince(handle, this.#spared)
    if (lives) {
      if (mark !== this.#reaching) this.#catalog.setMark(handle, this.#reaching)
    } else if (mark === after(this.#reaching)) this.#catalog.setMark(handle, 0)
    this.#clearStamp(handle)
    return lives
  }

  complete(): void {
    this.#enter('idle', 'sweeping')
    this.#complete = this.#reaching
    this.#reaching = after(this.#reaching)
    this.#oldest = this.#floor
    this.epoch += 1
  }

  abandon(): void {
    if (this.running) this.#left = true
    this.#phase = 'idle'
  }

  #enter(phase: Phase, from: Phase): void {
    if (this.#phase !== from) throw new Error(`the epochs are ${this.#phase}, not ${from}`)
    this.#phase = phase
  }

  /** The oldest era with an open lease, or the current one. */
  #held(): number {
    for (const era of this.#leases.keys()) return era
    return this.#era
  }

  #advance(): void {
    this.#era += 1
    this.#used = false
  }

  #isSince(handle: Handle, era: number): boolean {
    const stamp = this.#catalog.stamp(handle)
    if (stamp === 0) return false
    const age = (stampOf(this.#era) - stamp + eras) % eras
    return this.#era - age >= era
  }

  #clearStamp(handle: Handle): void {
    if (this.#catalog.stamp(handle) !== 0 && !this.#isSince(handle, this.#floor))
      this.#catalog.setStamp(handle, 0)
  }
}

function stampOf(era: number): number {
  return 1 + (era % eras)
}

/** The mark after this one. */
function after(mark: number): number {
  return (mark % 3) + 1
}
