/** The errors of this package. None of them ever holds a token. */

/** The kind of fault that occurs here, in the words that all packages share: it decides HTTP status and exit code. */
export type FaultKind = 'forbidden'

/** The codes: when each is thrown and what to do. The README's table is held equal to it. */
export const credentialsErrors = {
  CREDENTIALS_UNSAFE_FILE: {
    kind: 'forbidden',
    when: 'the token file or its folder is a link, of another kind, of another owner or open to others, or the file holds no token',
    next: 'Do what the message says, and make a new token if others may have read the old one.',
  },
  CREDENTIALS_UNREADABLE: {
    kind: 'forbidden',
    when: 'the token file is there but the system does not let us read it',
    next: 'Run as the owner of the home, or give the folder and the file back to the user who runs this.',
  },
  CREDENTIALS_UNWRITABLE: {
    kind: 'forbidden',
    when: 'there is no token yet and the system does not let us make one',
    next: 'Make the home writable for the user who runs this, with room on the disk.',
  },
} as const satisfies Record<string, { kind: FaultKind; when: string; next: string }>

/** Codes of {@link CredentialsError}. */
export type CredentialsErrorCode = keyof typeof credentialsErrors

/** The error class of this package. */
export class CredentialsError extends Error {
  override readonly name = 'CredentialsError'
  readonly code: CredentialsErrorCode
  readonly kind: FaultKind
  readonly next: string

  constructor(code: CredentialsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.kind = credentialsErrors[code].kind
    this.next = credentialsErrors[code].next
  }
}
