/** One call of the system as a promise. */

/** What Node calls when a call of the system has ended. */
export type Done<T> = (error: Error | null, value: T) => void

/**
 * Begins a call of the system and waits for its end, also if the scope around it is cancelled meanwhile: what it was
 * given, and what it is going to change, belongs to the system until then. (Raw descriptors with callbacks cost less than
 * the handles of `node:fs/promises`.)
 */
export function systemCall<T>(begin: (done: Done<T>) => void): Promise<T> {
  // waits: the system cannot be told to stop, and it always answers.
  return new Promise<T>((resolve, reject) => {
    begin((error, value) => {
      if (error === null) resolve(value)
      else reject(error)
    })
  })
}
