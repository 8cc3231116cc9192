/** The errors of this package. */
import type { Fault, FaultKind } from '@ipfs-kit/operations'

/** The codes of this package: when each is thrown and what to do. The README's table is held equal to it. */
export const kitErrors = {
  KIT_HOME_INVALID: {
    kind: 'invalid',
    when: 'the folder is not a home that can be read: its format or lock file holds something else',
    next: 'Choose another folder with --home or IPFS_KIT_HOME, or restore the file that the message names.',
  },
  KIT_HOME_TOO_NEW: {
    kind: 'invalid',
    when: 'the home has a newer format than this version knows',
    next: 'Use the version of ipfs-kit that has written the home, or a newer one.',
  },
  KIT_HOME_UNWRITABLE: {
    kind: 'forbidden',
    when: 'the home cannot be made or written',
    next: 'Give the user write permission and room there, or choose another folder with --home or IPFS_KIT_HOME.',
  },
  KIT_HOME_LOCKED: {
    kind: 'temporary',
    when: 'another process holds the home',
    next: 'Join its server, wait for it to end, or choose another home.',
  },
  KIT_CONFIG_INVALID: {
    kind: 'invalid',
    when: 'config.toml or an override cannot be read, has an unknown key, or has a value that is not allowed',
    next: 'Correct what the message names.',
  },
  KIT_PART_UNAVAILABLE: {
    kind: 'temporary',
    when: 'a part that the call needs is restarting, has failed, or went away while the call ran',
    next: 'Call again; if the part stays failed, see node.parts and restart it with node.restart.',
  },
  KIT_PART_UNKNOWN: {
    kind: 'not-found',
    when: 'no part has this name',
    next: 'Take one of the names that node.parts lists.',
  },
  KIT_PART_STUCK: {
    kind: 'internal',
    when: 'a part did not close in its grace time',
    next: 'Restart the process; until then it keeps the home.',
  },
  KIT_JOB_STOPPED: {
    kind: 'conflict',
    when: 'the job of a call was cancelled or paused by somebody else while its caller waited',
    next: 'See its state with jobs show. A paused one goes on with jobs resume, a cancelled one with jobs retry; an add is called again with its files.',
  },
  KIT_CALLER_GONE: {
    kind: 'invalid',
    when: 'a job is to begin again whose files were sent by a call that has ended',
    next: 'Call the operation again with the files.',
  },
  KIT_CLOSED: {
    kind: 'temporary',
    when: 'the kit is closing or closed',
    next: 'Call again when the server is back, or open the kit again.',
  },
  KIT_NOT_A_FILE: {
    kind: 'invalid',
    when: 'storage.read was given a folder or another node without bytes of its own',
    next: 'List a folder with storage_list and read one of its files.',
  },
} as const satisfies Record<string, { kind: FaultKind; when: string; next: string }>

/** Codes of {@link KitError}. */
export type KitErrorCode = keyof typeof kitErrors

/** The error class of this package. */
export class KitError extends Error implements Fault {
  override readonly name = 'KitError'
  readonly code: KitErrorCode
  readonly kind: FaultKind
  readonly next: string

  constructor(code: KitErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.kind = kitErrors[code].kind
    this.next = kitErrors[code].next
  }
}
