/** Room that one call has taken and not used yet. */
import type { Room } from './room.ts'

export class TakenRoom {
  readonly #room: Room
  bytes = 0

  constructor(room: Room) {
    this.#room = room
  }

  giveRest(): void {
    if (this.bytes > 0) this.#room.give(this.bytes)
    this.bytes = 0
  }
}
