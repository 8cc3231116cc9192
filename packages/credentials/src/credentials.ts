/** The secrets of a home, and references to secrets elsewhere. */
import { join, resolve as absolutePath } from 'node:path'
import { withChangeLock } from './change-lock.ts'
import { checkSecret, type CheckOptions, type CheckResult } from './check.ts'
import { outputOf } from './command.ts'
import { CredentialsError } from './errors.ts'
import { createKeyFile, identityIn, readKeyFile } from './identity.ts'
import { checkFolder } from './private-file.ts'
import { checkName, parseReference, type Place } from './reference.ts'
import { hide, type Secret } from './secret.ts'
import { decryptSecrets, readSecretFile, replaceSecrets, type StoredSecret } from './secret-file.ts'
import {
  checkFields,
  checkService,
  readSecret,
  type ReadSecret,
  readValues,
  type SecretFields,
  type Service,
} from './services.ts'

/** Options of {@link createCredentials}. */
export interface CredentialsOptions {
  /** The home. It has to exist, and only its owner may write in it. */
  readonly path: string
  /**
   * Where the age identity is (`AGE-SECRET-KEY-1…`): a reference `env:NAME` or `command:[…]`. Default: the file `credentials.key`
   * in the home, made with the first secret.
   */
  readonly identity?: string | undefined
  /** The environment of `env:` references. Default: `process.env`, as it is when one is resolved. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** Tells the time in milliseconds since 1970. Default: `Date.now`. */
  readonly clock?: (() => number) | undefined
}

/** What may be said about a secret. Times are milliseconds since 1970. */
export interface CredentialSummary {
  readonly name: string
  readonly service: Service
  readonly createdAt: number
  /** When its value was replaced last. */
  readonly rotatedAt?: number | undefined
  readonly expiresAt?: number | undefined
}

/** A secret that is to be stored. */
export interface NewSecret<S extends Service = Service> {
  /** 1 to 64 of a-z, 0-9 and `. _ -`, with a letter or digit at both ends. */
  readonly name: string
  readonly service: S
  readonly fields: SecretFields[S]
  /** When it expires, in milliseconds since 1970. Default: not known to expire. */
  readonly expiresAt?: number | undefined
}

/** What ends a wait; its reason passes through untouched. */
export interface SignalOption {
  readonly signal?: AbortSignal | undefined
}

/**
 * The secrets of a home. It keeps nothing in memory and nothing open: each call reads the file. Reads throw CredentialsError
 * `CREDENTIALS_UNSAFE_FILE`, `CREDENTIALS_UNREADABLE`, `CREDENTIALS_DAMAGED`, `CREDENTIALS_TOO_NEW` and `CREDENTIALS_KEY_WRONG`,
 * and what getting an identity by reference throws; changes throw `CREDENTIALS_BUSY` and `CREDENTIALS_UNWRITABLE` besides.
 */
export interface Credentials {
  /** Stores a secret. @throws CredentialsError `CREDENTIALS_EXISTS`, `CREDENTIALS_INVALID`, `CREDENTIALS_FULL`, and those of changes */
  add<S extends Service>(secret: NewSecret<S>, options?: SignalOption): Promise<CredentialSummary>
  /** Lists the secrets by name, without anything of their values. @throws CredentialsError those of reads */
  list(options?: SignalOption): Promise<readonly CredentialSummary[]>
  /**
   * Replaces the value of a secret; the old one is gone from the file with it.
   *
   * @throws CredentialsError `CREDENTIALS_NOT_FOUND`, `CREDENTIALS_SERVICE`, `CREDENTIALS_INVALID`, `CREDENTIALS_FULL`, and those of changes
   */
  rotate<S extends Service>(secret: NewSecret<S>, options?: SignalOption): Promise<CredentialSummary>
  /** Removes a secret. @returns whether there was one. @throws CredentialsError those of changes */
  remove(name: string, options?: SignalOption): Promise<boolean>
  /**
   * Gets the secret that a reference leads to.
   *
   * @throws CredentialsError `CREDENTIALS_REFERENCE`, `CREDENTIALS_NOT_FOUND`, `CREDENTIALS_SERVICE`, `CREDENTIALS_EXPIRED`,
   *   `CREDENTIALS_INVALID`, `CREDENTIALS_COMMAND`, and those of reads
   */
  resolve<S extends Service>(reference: string, service: S, options?: SignalOption): Promise<Secret<S>>
  /** Resolves a reference and says how that went, with the check of whoever knows the service if one is given. */
  check<S extends Service>(reference: string, service: S, options?: CheckOptions<S>): Promise<CheckResult>
}

const optionNames = ['path', 'identity', 'env', 'clock']
const commandLimits = { timeoutMs: 30_000, maxBytes: 65_536 }

/**
 * Makes the secrets of a home: `credentials.age`, encrypted with age for the identity in `credentials.key` or elsewhere. Nothing
 * is read or made before a call needs it.
 *
 * @throws TypeError for an unknown option or a path that is empty
 * @throws CredentialsError `CREDENTIALS_REFERENCE` for an identity that is no `env:` or `command:` reference
 */
export function createCredentials(options: CredentialsOptions): Credentials {
  const unknown = Object.keys(options ?? {}).find((key) => !optionNames.includes(key))
  if (unknown !== undefined) {
    throw new TypeError(`createCredentials has no option ${unknown}; it has ${optionNames.join(', ')}`)
  }
  if (typeof options?.path !== 'string' || options.path === '') {
    throw new TypeError('createCredentials needs path, the home')
  }
  const identity = options.identity === undefined ? undefined : parseReference(options.identity)
  if (identity?.kind === 'credential') {
    throw new CredentialsError('CREDENTIALS_REFERENCE', 'The identity cannot be among what it is needed for')
  }
  return new FileCredentials(absolutePath(options.path), { ...options, identity })
}

class FileCredentials implements Credentials {
  readonly #home: string
  readonly #file: string
  readonly #keyFile: string
  readonly #lockFile: string
  readonly #identity: Exclude<Place, { kind: 'credential' }> | undefined
  readonly #env: CredentialsOptions['env']
  readonly #clock: () => number

  constructor(
    home: string,
    options: Pick<CredentialsOptions, 'env' | 'clock'> & {
      readonly identity: Exclude<Place, { kind: 'credential' }> | undefined
    },
  ) {
    this.#home = home
    this.#file = join(home, 'credentials.age')
    this.#keyFile = join(home, 'credentials.key')
    this.#lockFile = join(home, 'credentials.lock')
    this.#identity = options.identity
    this.#env = options.env
    this.#clock = options.clock ?? Date.now
  }

  async add<S extends Service>(secret: NewSecret<S>, options: SignalOption = {}): Promise<CredentialSummary> {
    const { name, service, fields, expiresAt } = this.#checkNew(secret)
    return await this.#change(options.signal, (secrets) => {
      if (secrets.some((one) => one.name === name)) {
        throw new CredentialsError('CREDENTIALS_EXISTS', `There is a secret ${name} already`)
      }
      const added: StoredSecret = {
        name,
        service,
        fields: present(fields),
        createdAt: this.#clock(),
        ...(expiresAt === undefined ? {} : { expiresAt }),
      }
      return { secrets: [...secrets, added], result: summaryOf(added) }
    })
  }

  async list(options: SignalOption = {}): Promise<readonly CredentialSummary[]> {
    const secrets = await this.#read(options.signal)
    return secrets.map(summaryOf).sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  async rotate<S extends Service>(
    secret: NewSecret<S>,
    options: SignalOption = {},
  ): Promise<CredentialSummary> {
    const { name, service, fields, expiresAt } = this.#checkNew(secret)
    return await this.#change(options.signal, (secrets) => {
      const old = ofService(find(secrets, name), service)
      const rotated: StoredSecret = {
        name,
        service,
        fields: present(fields),
        createdAt: old.createdAt,
        rotatedAt: this.#clock(),
        ...(expiresAt === undefined ? {} : { expiresAt }),
      }
      return { secrets: secrets.map((one) => (one === old ? rotated : one)), result: summaryOf(rotated) }
    })
  }

  async remove(name: string, options: SignalOption = {}): Promise<boolean> {
    checkName(name)
    return await this.#change(options.signal, (secrets) => {
      const left = secrets.filter((one) => one.name !== name)
      return left.length === secrets.length ? { result: false } : { secrets: left, result: true }
    })
  }

  async resolve<S extends Service>(
    reference: string,
    service: S,
    options: SignalOption = {},
  ): Promise<Secret<S>> {
    checkService(service)
    const { fields, expiresAt } = await this.#readPlace(parseReference(reference), service, options.signal)
    if (expiresAt !== undefined && expiresAt <= this.#clock()) {
      throw new CredentialsError(
        'CREDENTIALS_EXPIRED',
        `The secret expired at ${new Date(expiresAt).toISOString()}`,
      )
    }
    return hide(service, fields, expiresAt)
  }

  async check<S extends Service>(
    reference: string,
    service: S,
    options: CheckOptions<S> = {},
  ): Promise<CheckResult> {
    return await checkSecret(() => this.resolve(reference, service, options), options)
  }

  async #readPlace<S extends Service>(
    place: Place,
    service: S,
    signal: AbortSignal | undefined,
  ): Promise<ReadSecret<S>> {
    if (place.kind === 'credential') {
      const secrets = await this.#read(signal)
      const { fields, expiresAt } = ofService(find(secrets, place.name), service)
      return { fields: checkFields(service, fields), expiresAt }
    }
    if (place.kind === 'env') return { fields: readValues(service, this.#variables(place.names)) }
    return readSecret(service, await outputOf(place.argv, commandLimits, signal))
  }

  #variables(names: readonly string[]): readonly string[] {
    const env = this.#env ?? process.env
    return names.map((name) => {
      const value = env[name]
      if (value !== undefined) return value
      throw new CredentialsError('CREDENTIALS_NOT_FOUND', `The environment variable ${name} is not set`)
    })
  }

  async #read(signal: AbortSignal | undefined): Promise<readonly StoredSecret[]> {
    await checkFolder(this.#home)
    const bytes = await readSecretFile(this.#file)
    if (bytes === undefined) return []
    const identity = await this.#readIdentity(signal)
    if (identity === undefined) {
      throw new CredentialsError('CREDENTIALS_KEY_WRONG', `${this.#keyFile} is missing`)
    }
    return await decryptSecrets(this.#file, bytes, identity)
  }

  /** The identity, or undefined while its file is to be made. */
  async #readIdentity(signal: AbortSignal | undefined): Promise<string | undefined> {
    const place = this.#identity
    if (place === undefined) return await readKeyFile(this.#keyFile)
    if (place.kind === 'command') {
      return identityIn(await outputOf(place.argv, commandLimits, signal), 'The output of the command')
    }
    return identityIn(this.#variables(place.names).join('\n'), `The variable ${place.names.join(',')}`)
  }

  async #change<T>(
    signal: AbortSignal | undefined,
    change: (secrets: readonly StoredSecret[]) => {
      readonly secrets?: readonly StoredSecret[]
      readonly result: T
    },
  ): Promise<T> {
    await checkFolder(this.#home)
    return await withChangeLock(this.#lockFile, { signal }, async () => {
      const { secrets, result } = change(await this.#read(signal))
      if (secrets === undefined) return result
      const identity = (await this.#readIdentity(signal)) ?? (await createKeyFile(this.#keyFile))
      await replaceSecrets(this.#file, secrets, identity)
      return result
    })
  }

  #checkNew<S extends Service>({ name, service, fields, expiresAt }: NewSecret<S>): NewSecret<S> {
    checkName(name)
    checkService(service)
    if (expiresAt !== undefined && !(Number.isSafeInteger(expiresAt) && expiresAt > this.#clock())) {
      throw new CredentialsError(
        'CREDENTIALS_INVALID',
        `expiresAt is ${String(expiresAt)}, not a time to come in milliseconds since 1970`,
      )
    }
    return { name, service, fields: checkFields(service, fields), expiresAt }
  }
}

function find(secrets: readonly StoredSecret[], name: string): StoredSecret {
  const found = secrets.find((one) => one.name === name)
  if (found !== undefined) return found
  throw new CredentialsError('CREDENTIALS_NOT_FOUND', `There is no secret ${name}`)
}

function ofService(secret: StoredSecret, service: Service): StoredSecret {
  if (secret.service === service) return secret
  throw new CredentialsError(
    'CREDENTIALS_SERVICE',
    `The secret ${secret.name} is for ${secret.service}, not for ${service}`,
  )
}

function present(fields: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}

function summaryOf({ name, service, createdAt, rotatedAt, expiresAt }: StoredSecret): CredentialSummary {
  return Object.freeze({
    name,
    service,
    createdAt,
    ...(rotatedAt === undefined ? {} : { rotatedAt }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  })
}
