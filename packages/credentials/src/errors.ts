/** The errors of this package. None of them ever holds a token or a secret. */

/** The kinds of fault that occur here, in the words that all packages share: they decide HTTP status and exit code. */
export type FaultKind =
  | 'invalid'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'too-large'
  | 'integrity'
  | 'temporary'

/** The codes: when each is thrown and what to do. The README's table is held equal to it. */
export const credentialsErrors = {
  CREDENTIALS_UNSAFE_FILE: {
    kind: 'forbidden',
    when: 'a file of tokens or secrets or its folder is a link, of another kind, of another owner or open to others, or the file holds something else',
    next: 'Do what the message says, and make a new token or rotate the secrets if others may have read the old ones.',
  },
  CREDENTIALS_UNREADABLE: {
    kind: 'forbidden',
    when: 'a file of tokens or secrets is there but the system does not let us read it',
    next: 'Run as the owner of the home, or give the folder and the file back to the user who runs this.',
  },
  CREDENTIALS_UNWRITABLE: {
    kind: 'forbidden',
    when: 'a file of tokens or secrets is to be made or changed and the system does not let us; what was there before stays',
    next: 'Make the home writable for the user who runs this, with room on the disk.',
  },
  CREDENTIALS_BUSY: {
    kind: 'temporary',
    when: 'other changes have held the lock of the secrets or the tokens for 10 seconds',
    next: 'Call again.',
  },
  CREDENTIALS_DAMAGED: {
    kind: 'integrity',
    when: 'credentials.age or tokens/issued.json is not what was written: cut, changed, or something else',
    next: 'Put the file back from a backup; or remove it, and add the secrets or make the tokens again.',
  },
  CREDENTIALS_TOO_NEW: {
    kind: 'conflict',
    when: 'credentials.age or tokens/issued.json was written by a newer version',
    next: 'Use that version of ipfs-kit.',
  },
  CREDENTIALS_KEY_WRONG: {
    kind: 'conflict',
    when: 'the key of credentials.age is missing, is no age identity, or is not the one that the file is encrypted for',
    next: 'Put credentials.key back, or give the identity that the file was written with. Without it the secrets are lost: remove credentials.age and add them again.',
  },
  CREDENTIALS_REFERENCE: {
    kind: 'invalid',
    when: 'a reference has not the form credential:NAME, env:NAME or command:["program", …]',
    next: 'Write it in one of these forms.',
  },
  CREDENTIALS_INVALID: {
    kind: 'invalid',
    when: 'a name, service, expiry, scope or secret does not have the form that it must have',
    next: 'Correct what the message names. It does not repeat a secret.',
  },
  CREDENTIALS_NOT_FOUND: {
    kind: 'not-found',
    when: 'there is no secret, environment variable or token of this name',
    next: 'List the secrets or tokens; a variable has to be set for the process that resolves it, which may be the server.',
  },
  CREDENTIALS_EXISTS: {
    kind: 'conflict',
    when: 'there is a secret or a valid token of this name already',
    next: 'Choose another name; or rotate the secret, or revoke the token first.',
  },
  CREDENTIALS_SERVICE: {
    kind: 'conflict',
    when: 'a secret is for another service than the one it is asked for',
    next: 'Name the secret of the right service, or the service of this secret.',
  },
  CREDENTIALS_EXPIRED: {
    kind: 'forbidden',
    when: 'a secret is past the time at which it expires',
    next: 'Get a new one from the service and rotate it.',
  },
  CREDENTIALS_COMMAND: {
    kind: 'temporary',
    when: 'the command of a reference cannot be started, fails, runs for more than 30 seconds or prints more than 64 KiB',
    next: 'Run the command by hand. What it writes to standard error is not shown, since it may hold secrets.',
  },
  CREDENTIALS_FULL: {
    kind: 'too-large',
    when: 'there are 1,000 secrets or tokens already, or the secrets pass 4 MiB',
    next: 'Remove secrets or revoke tokens that nobody uses.',
  },
  CREDENTIALS_TOKEN_EXPIRED: {
    kind: 'forbidden',
    when: 'a token is presented after the time at which it expires',
    next: 'Make a new token.',
  },
  CREDENTIALS_TOKEN_REVOKED: {
    kind: 'forbidden',
    when: 'a token is presented that was revoked',
    next: 'Ask whoever runs the node for a new one.',
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
