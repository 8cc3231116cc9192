/** The calls of an open file that have not ended: closing waits for them. */
import { createEvent, shield } from '@ipfs-kit/concurrency'
import { closedError } from './system-error.ts'

/** What runs on one file. */
export interface RunningCalls {
  /** @throws DiskError `DISK_CLOSED` after `end` was called. */
  check(): void
  /** A call begins. @throws DiskError `DISK_CLOSED` after `end` was called. */
  enter(): void
  /** A call that has entered is over. */
  leave(): void
  /** `enter`, the call, `leave`. */
  run<T>(call: () => Promise<T>): Promise<T>
  /** Ends the use of the file; when nothing runs any more, calls `release`, once. Every call waits for that. */
  end(release: () => Promise<void>): Promise<void>
}

export function createRunningCalls(path: string): RunningCalls {
  let running = 0
  let open = true
  const idle = createEvent({ name: `end of the calls on ${path}` })
  let ending: Promise<void> | undefined
  const check = (): void => {
    if (!open) throw closedError(path)
  }
  const enter = (): void => {
    check()
    running += 1
  }
  const leave = (): void => {
    running -= 1
    if (!open && running === 0) idle.set()
  }
  return {
    check,
    enter,
    leave,
    async run(call) {
      enter()
      try {
        return await call()
      } finally {
        leave()
      }
    },
    async end(release) {
      if (open) {
        open = false
        if (running === 0) idle.set()
        ending = shield(async () => {
          await idle.wait()
          await release()
        })
      }
      await ending
    },
  }
}
