/**
 * The access token of a home: a file that only its owner can read, made at the first start.
 *
 * @packageDocumentation
 */
export { CredentialsError, credentialsErrors } from './errors.ts'
export type { CredentialsErrorCode, FaultKind } from './errors.ts'
export { readToken } from './token-file.ts'
export { openTokens } from './tokens.ts'
export type { Scope, Tokens, TokensOptions, VerifiedToken } from './tokens.ts'
