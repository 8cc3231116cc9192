/** The client: one HTTP request for each call. */
import type { KitTable } from '@ipfs-kit/kit'
import type {
  BodyKind,
  BodyKindOf,
  CallBody,
  CallOptions,
  Caller,
  Detaching,
  FileEntry,
  InputOf,
  ResultOf,
  Table,
} from '@ipfs-kit/operations'
import { readAnswer } from './answer.ts'
import { clientError } from './errors.ts'
import { uploadOf } from './upload.ts'
import type { Upload } from './upload.ts'

/** Where the server is and how to ask it. */
export interface ClientOptions {
  /** URL of the server, such as `http://127.0.0.1:4801`. */
  readonly url: string | URL
  /** Token, sent as bearer. Default: none. */
  readonly token?: string
  /** Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch
}

/** A file on its way to the server. In browsers its content is best a `Blob`, such as a `File`. */
export interface ClientFileEntry extends Omit<FileEntry, 'content'> {
  readonly content?: FileEntry['content'] | Blob
}

/** What a call takes as body: that of every caller, or blobs. */
export type ClientBody<B extends BodyKind> =
  | CallBody<B>
  | (B extends 'bytes'
      ? Blob
      : B extends 'files'
        ? AsyncIterable<ClientFileEntry> | Iterable<ClientFileEntry>
        : never)

/** Options of a call. Its progress has the stage `uploading`, with the bytes and files handed to the connection. */
export interface ClientCallOptions<B extends BodyKind = BodyKind> extends Omit<CallOptions<B>, 'body'> {
  readonly body?: ClientBody<B>
}

/** A caller over HTTP. */
export interface Client<T extends Table = KitTable> extends Caller<T> {
  /**
   * Calls an operation. Lines and bytes are read from the connection as they are taken; who does not read them to their
   * end leaves the loop or aborts the signal, which ends the call on the server.
   *
   * @throws ClientError with the server's code or one of `clientErrors`; the reason of the signal; and what the body
   * itself throws, except an `EntryReadError` of a file in a form, which becomes a failed item
   */
  call<N extends keyof T & string, D extends boolean = false>(
    name: N,
    input: InputOf<T[N]> & Detaching<T[N], D>,
    options?: ClientCallOptions<BodyKindOf<T[N]>>,
  ): Promise<ResultOf<T[N], D>>
}

const optionNames = ['url', 'token', 'fetch']

/**
 * Makes a client. It keeps no connection of its own and needs no closing.
 *
 * @throws TypeError for an unknown option and for a URL that is not http or https
 */
export function createClient<T extends Table = KitTable>(options: ClientOptions): Client<T> {
  for (const key of Object.keys(options)) {
    if (!optionNames.includes(key))
      throw new TypeError(`Unknown option ${key}: createClient knows ${optionNames.join(', ')}`)
  }
  const base = new URL(options.url)
  if (base.protocol !== 'http:' && base.protocol !== 'https:') {
    throw new TypeError(`The URL of a server begins with http: or https:, not with ${base.protocol}`)
  }
  const root = `${base.origin}${base.pathname.replace(/\/$/, '')}/api/v1/`
  const authorization: Record<string, string> =
    options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }
  const send = options.fetch ?? globalThis.fetch

  async function call(
    name: string,
    input: Readonly<Record<string, unknown>>,
    given: ClientCallOptions = {},
  ): Promise<unknown> {
    const { body, signal, progress } = given
    signal?.throwIfAborted()
    const upload = body === undefined ? jsonUpload(input) : await uploadOf(body, progress ?? (() => {}))
    const url =
      root +
      name.split('.').map(encodeURIComponent).join('/') +
      queryOf(body === undefined ? {} : input, upload.filename)
    const init = {
      method: 'POST',
      headers: { ...authorization, 'content-type': upload.mediaType },
      body: upload.body,
      duplex: 'half' as const,
      redirect: 'error' as const,
      credentials: 'omit' as const,
      cache: 'no-store' as const,
      ...(signal === undefined ? {} : { signal }),
    }
    let response: Response
    try {
      response = await send(url, init)
    } catch (error) {
      upload.leave()
      signal?.throwIfAborted()
      upload.check()
      throw connectionError(error, base.origin)
    }
    // An answer may come while the body is still sent: what is left of it is needed until the answer has been read.
    return readAnswer(response, signal, () => upload.leave())
  }

  return { call: call as unknown as Client<T>['call'] }
}

function jsonUpload(input: Readonly<Record<string, unknown>>): Upload {
  return { mediaType: 'application/json', body: JSON.stringify(input), check() {}, leave() {} }
}

/** The input of an operation with a body, as a query. */
function queryOf(input: Readonly<Record<string, unknown>>, filename: string | undefined): string {
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(input)) {
    if (value === undefined) continue
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
      throw new TypeError(`The input ${key} of an operation with a body is a text, a number or a boolean`)
    }
    query.append(key, String(value))
  }
  if (filename !== undefined) query.append('filename', filename)
  return query.size === 0 ? '' : `?${query.toString()}`
}

/** Codes under which a connection that was there has gone. The others say that there was none. */
const lostCodes = new Set([
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
])

function connectionError(error: unknown, origin: string): Error {
  const { cause } = error as { cause?: { code?: unknown } }
  const lost = typeof cause?.code === 'string' && lostCodes.has(cause.code)
  const why = cause instanceof Error ? cause.message : String(error)
  return lost
    ? clientError('CLIENT_DISCONNECTED', `The connection to ${origin} was lost: ${why}`, { cause: error })
    : clientError('CLIENT_UNREACHABLE', `No connection to ${origin}: ${why}`, { cause: error })
}
