/** Spreads the writing of a checkpoint over the changes that come meanwhile: nobody waits for it, and all are slowed alike. */
import { createEvent, type Event, moveOnAfter } from '@ipfs-kit/concurrency'

/** Steps between two waits. */
const piece = 128
/** An entry of a folder and a block are a step each, so that there are at most about two for each change that is written. */
const stepsPerChange = 2
/** How long changes are waited for after a piece: where fewer come, the checkpoint disturbs few. */
const mostMs = 20

export class CheckpointSpread {
  #steps = 0
  #changes = 0
  #isHurried = false
  /** Somebody waits for as many changes as the steps need. */
  #waiting: Event | undefined

  /** Gives what to wait for before the next step, if there is anything: that enough changes came. */
  step(): Promise<void> | undefined {
    this.#steps += 1
    if (this.#isHurried || this.#steps % piece !== 0 || this.#isDue) return undefined
    return this.#wait()
  }

  async #wait(): Promise<void> {
    const came = createEvent({ name: 'changes beside a checkpoint' })
    this.#waiting = came
    await moveOnAfter(mostMs, () => came.wait())
    this.#waiting = undefined
  }

  get #isDue(): boolean {
    return this.#changes * stepsPerChange >= this.#steps
  }

  /** A change was made. */
  changed(): void {
    this.#changes += 1
    if (this.#isDue) this.#waiting?.set()
  }

  /** Somebody waits for the checkpoint. */
  hurry(): void {
    this.#isHurried = true
    this.#waiting?.set()
  }
}
