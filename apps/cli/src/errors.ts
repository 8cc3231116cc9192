/** The error class of the command line and its codes. */
import type { Fault, FaultKind } from '@ipfs-kit/operations'

/** The codes: when each is thrown and what to do. The README's table is held equal to it. */
export const cliErrors = {
  CLI_HOME_HELD: {
    kind: 'invalid',
    when: 'serve is asked for a home that another process holds',
    next: 'End that process, or choose another home with --home.',
  },
  CLI_SERVER_NEEDED: {
    kind: 'invalid',
    when: 'a command without a server is asked for what would end with it, such as a transaction',
    next: 'Start ipfs-kit serve for this home, and call again; a change that is one command needs no transaction.',
  },
} as const satisfies Record<string, { kind: FaultKind; when: string; next: string }>

/** Codes of {@link CliError}. */
export type CliErrorCode = keyof typeof cliErrors

/** What the command line throws by itself; everything else comes from the packages below it. */
export class CliError extends Error implements Fault {
  override readonly name = 'CliError'
  readonly code: CliErrorCode
  readonly kind: FaultKind
  readonly next: string

  constructor(code: CliErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.kind = cliErrors[code].kind
    this.next = cliErrors[code].next
  }
}
