/** A secret in memory, which shows itself to nobody who does not ask for it by name. */
import { inspect } from 'node:util'
import type { SecretFields, Service } from './services.ts'

/** A secret that was resolved. As text, as JSON and inspected it is `[secret]`. */
export interface Secret<S extends Service = Service> {
  readonly service: S
  /** When the service stops taking it, in milliseconds since 1970, if that is known. */
  readonly expiresAt: number | undefined
  /** Gives the fields of the secret: the one way to them. Frozen. */
  reveal(): SecretFields[S]
  /** `[secret]` */
  toString(): string
}

const shown = '[secret]'

class HiddenSecret<S extends Service> implements Secret<S> {
  readonly service: S
  readonly expiresAt: number | undefined
  readonly #fields: SecretFields[S]

  constructor(service: S, fields: SecretFields[S], expiresAt: number | undefined) {
    this.service = service
    this.expiresAt = expiresAt
    this.#fields = { ...fields }
    Object.freeze(this.#fields)
    Object.freeze(this)
  }

  reveal(): SecretFields[S] {
    return this.#fields
  }

  toString(): string {
    return shown
  }

  toJSON(): string {
    return shown
  }

  [inspect.custom](): string {
    return shown
  }
}

/** Hides the fields of a secret. */
export function hide<S extends Service>(
  service: S,
  fields: SecretFields[S],
  expiresAt: number | undefined,
): Secret<S> {
  return new HiddenSecret(service, fields, expiresAt)
}
