/** The errors of this package: one class with a stable code for misuse and reports, two for cancellation. */

/** The kinds of fault that occur here, in the words that all packages share: they decide HTTP status and exit code. */
export type FaultKind = 'invalid' | 'conflict' | 'temporary' | 'internal' | 'too-large' | 'not-found'

/** The codes: when each is thrown and what to do. The README's table is held equal to it. */
export const concurrencyErrors = {
  CONCURRENCY_SCOPE_CLOSED: {
    kind: 'conflict',
    when: 'a task is spawned into a group, owner or scope that has ended, or such a scope is passed to a wait',
    next: 'Spawn while the callback of the group runs or one of its tasks is alive.',
  },
  CONCURRENCY_SCOPE_ORDER: {
    kind: 'conflict',
    when: 'a scope, group or task ended while a scope opened inside it was still open; the inner one is cancelled and awaited',
    next: 'Await what taskGroup, cancelScope, moveOnAfter, failAfter or shield return before leaving the scope around them.',
  },
  CONCURRENCY_AWAITS_ITSELF: {
    kind: 'conflict',
    when: 'a task awaits itself, or a task, group or owner that cannot end before this task does',
    next: 'Await it from outside, or cancel it.',
  },
  CONCURRENCY_NOT_STARTED: {
    kind: 'conflict',
    when: 'a task given to group.start ended without calling started',
    next: 'Call started once the task is ready, or spawn it.',
  },
  CONCURRENCY_STARTED_TWICE: {
    kind: 'conflict',
    when: 'a task calls started a second time, or after its end',
    next: 'Call started once.',
  },
  CONCURRENCY_NON_ERROR: {
    kind: 'internal',
    when: 'a task threw or rejected with something that is no Error; it is in cause',
    next: 'Throw an Error in the task that is named.',
  },
  CONCURRENCY_NOT_HELD: {
    kind: 'conflict',
    when: 'a permit is released twice, or a condition is used without holding its lock',
    next: 'Release each permit once, best with using; hold the lock around wait and notify.',
  },
  CONCURRENCY_HELD_ALREADY: {
    kind: 'conflict',
    when: 'a task acquires a lock that it holds, or a borrower a second token of a limiter',
    next: 'Release first, or name another borrower.',
  },
  CONCURRENCY_BUSY: {
    kind: 'conflict',
    when: 'a guarded resource is entered while another task is inside',
    next: 'Use the resource from one task at a time, or put a lock around it.',
  },
  CONCURRENCY_CHANNEL_CLOSED: {
    kind: 'conflict',
    when: 'an end of a channel is used after it was closed',
    next: 'Clone the end for each user, and use it before closing it.',
  },
  CONCURRENCY_CHANNEL_BROKEN: {
    kind: 'conflict',
    when: 'something is sent and no receiving end is open',
    next: 'Stop sending: nobody will receive.',
  },
  CONCURRENCY_CHANNEL_ENDED: {
    kind: 'conflict',
    when: 'receive finds the channel empty and every sending end closed',
    next: 'Treat it as the end of the data, or iterate, which ends by itself.',
  },
  CONCURRENCY_SIM_DEADLOCK: {
    kind: 'internal',
    when: 'in a simulated run every task waits and no timer is left; the message holds the task tree',
    next: 'Read what each task waits for, and run the same seed again.',
  },
  CONCURRENCY_SIM_FOREIGN: {
    kind: 'internal',
    when: 'a simulated run began a real timer, or real input or output; the message holds the stack',
    next: 'Use sleep and the ports of the kit in code that runs simulated, or run it on the native backend.',
  },
  CONCURRENCY_SIM_UNHANDLED: {
    kind: 'internal',
    when: 'in a simulated run a promise was rejected and nobody handled it; cause is what it was rejected with',
    next: 'Await the promise, or ask for the outcome of the task that failed.',
  },
  CONCURRENCY_SIM_STEPS: {
    kind: 'internal',
    when: 'a simulated run took more steps than maxSteps',
    next: 'Look for a task that never stops, or raise maxSteps.',
  },
  CONCURRENCY_SIM_LEAK: {
    kind: 'internal',
    when: 'a simulated run ended while tasks of an owner were alive; the message holds the task tree',
    next: 'Close every owner before the run ends.',
  },
  CONCURRENCY_SIM_FAILED: {
    kind: 'internal',
    when: 'a scenario failed in the simulator; the message names the seed, cause is what it failed with',
    next: 'Run the seed again alone.',
  },
  CONCURRENCY_THREAD_CLOSED: {
    kind: 'conflict',
    when: 'a call is made on a thread pool that was closed',
    next: 'Close the pool after its last call.',
  },
  CONCURRENCY_THREAD_DIED: {
    kind: 'internal',
    when: 'the worker of a call ended before the call did: process.exit, out of memory, an exception that nothing caught; cause has it',
    next: 'Read the cause; raise resourceLimits if it ran out of memory. The worker was replaced.',
  },
  CONCURRENCY_THREAD_NOT_CLONEABLE: {
    kind: 'invalid',
    when: 'an argument or a result of a thread, of a portal, or something in the list to transfer cannot be cloned',
    next: 'Pass plain data: no functions, no class instances with private state; transfer each object once.',
  },
  CONCURRENCY_THREAD_NO_FUNCTION: {
    kind: 'invalid',
    when: 'the module given to a thread does not export a function by this name',
    next: 'Export the function, or correct the name.',
  },
  CONCURRENCY_THREAD_PORTAL_UNKNOWN: {
    kind: 'not-found',
    when: 'a worker calls a portal by a name that the caller did not give',
    next: 'Give the function in the option portal.',
  },
  CONCURRENCY_THREAD_PORTAL_CLOSED: {
    kind: 'conflict',
    when: 'a worker calls a portal after the call that it belongs to has ended',
    next: 'Await everything that the function began before it returns.',
  },
  CONCURRENCY_THREAD_PORTAL_FULL: {
    kind: 'too-large',
    when: 'a worker has 1,024 portal calls open that were not answered',
    next: 'Await portal calls.',
  },
  CONCURRENCY_PROCESS_NOT_STARTED: {
    kind: 'invalid',
    when: 'the system cannot start the process: no such command or folder, no permission, no room; cause has it',
    next: 'Correct the command, the folder or the permission that the message names.',
  },
  CONCURRENCY_PROCESS_FAILED: {
    kind: 'internal',
    when: 'runProcess with check: the process ended with an exit code other than 0, or by a signal',
    next: 'Read the end of stderr in the message, or set check to false.',
  },
  CONCURRENCY_PROCESS_OUTPUT_TOO_LARGE: {
    kind: 'too-large',
    when: 'the output of a process passed maxOutputBytes; the process was killed',
    next: 'Raise maxOutputBytes, or read the output as a stream with openProcess.',
  },
  CONCURRENCY_PROCESS_STDIN_CLOSED: {
    kind: 'conflict',
    when: 'something is written to the stdin of a process that closed it or has ended',
    next: 'Stop writing: nobody will read.',
  },
  CONCURRENCY_PROCESS_NOT_KILLED: {
    kind: 'internal',
    when: 'a process is still there 5 seconds after it was killed: it hangs in the system or belongs to another user',
    next: 'Look at the processes that the message names.',
  },
  CONCURRENCY_TEMP_DIR: {
    kind: 'internal',
    when: 'a temporary folder cannot be made or removed; cause has the error of the system',
    next: 'Look at the cause: permission, room on the disk, or a program that still writes there.',
  },
} as const satisfies Record<string, { kind: FaultKind; when: string; next: string }>

/** Codes of {@link ConcurrencyError}. */
export type ConcurrencyErrorCode = keyof typeof concurrencyErrors

/** The error class of this package. */
export class ConcurrencyError extends Error {
  override readonly name = 'ConcurrencyError'
  readonly code: ConcurrencyErrorCode
  readonly kind: FaultKind
  readonly next: string

  constructor(code: ConcurrencyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.kind = concurrencyErrors[code].kind
    this.next = concurrencyErrors[code].next
  }
}

/** What was thrown, in words. Nothing of an object is asked that could throw itself. */
export function describeThrown(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message
  if (thrown !== null && (typeof thrown === 'object' || typeof thrown === 'function')) {
    return 'an object that is no Error'
  }
  return String(thrown as string)
}
