/** Says whether a secret is good, as far as that can be told. */
import { CredentialsError } from './errors.ts'
import type { Secret } from './secret.ts'
import type { Service } from './services.ts'

/** What a check takes. */
export interface CheckOptions<S extends Service = Service> {
  /** Asks the service whether it takes the secret, and throws if not: for whoever knows the service. Default: it is not asked. */
  readonly live?: ((secret: Secret<S>, signal: AbortSignal | undefined) => Promise<void>) | undefined
  /** Ends the check; its reason passes through untouched. */
  readonly signal?: AbortSignal | undefined
}

/** How a check went. */
export type CheckResult =
  | {
      readonly isGood: true
      /** `form`: it resolves, is well formed and has not expired; `service`: the service takes it too. */
      readonly checked: 'form' | 'service'
      readonly expiresAt?: number | undefined
    }
  | {
      readonly isGood: false
      /** What failed: to `resolve` it, or the `service` that was asked. */
      readonly failed: 'resolve' | 'service'
      /** The code of the error; `UNKNOWN` if what the service's check threw has none. */
      readonly code: string
      /** Of an error of this package, which holds no secret; that of a service is not repeated. */
      readonly message?: string | undefined
    }

const codePattern = /^[A-Z][A-Z0-9_]{0,63}$/

/** Runs the steps of a check. @throws the reason of the signal, and what is no answer about the secret */
export async function checkSecret<S extends Service>(
  resolve: () => Promise<Secret<S>>,
  { live, signal }: CheckOptions<S>,
): Promise<CheckResult> {
  let secret: Secret<S>
  try {
    secret = await resolve()
  } catch (error) {
    if (signal?.aborted === true || !(error instanceof CredentialsError)) throw error
    return { isGood: false, failed: 'resolve', code: error.code, message: error.message }
  }
  const expiry = secret.expiresAt === undefined ? {} : { expiresAt: secret.expiresAt }
  if (live === undefined) return { isGood: true, checked: 'form', ...expiry }
  try {
    await live(secret, signal)
  } catch (error) {
    if (signal?.aborted === true) throw error
    return { isGood: false, failed: 'service', code: codeOf(error) }
  }
  return { isGood: true, checked: 'service', ...expiry }
}

/** A code in capitals is a name that somebody chose; other texts may be anything. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && codePattern.test(code) ? code : 'UNKNOWN'
}
