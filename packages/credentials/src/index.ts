/**
 * The secrets of a home, encrypted or by reference, and its access tokens.
 *
 * @packageDocumentation
 */
export type { CheckOptions, CheckResult } from './check.ts'
export { createCredentials } from './credentials.ts'
export type {
  Credentials,
  CredentialsOptions,
  CredentialSummary,
  NewSecret,
  SignalOption,
} from './credentials.ts'
export { CredentialsError, credentialsErrors } from './errors.ts'
export type { CredentialsErrorCode, FaultKind } from './errors.ts'
export type { Secret } from './secret.ts'
export type { SecretFields, Service } from './services.ts'
export { readToken } from './token-file.ts'
export { openTokens } from './tokens.ts'
export type { NewTokenOptions, Tokens, TokensOptions, TokenSummary, VerifiedToken } from './tokens.ts'
