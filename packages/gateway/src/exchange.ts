/** A request and its response, free of any server. */

/** A request as it came. */
export interface GatewayRequest {
  readonly method: string
  /** Path and query exactly as sent, not normalised: `/ipfs/bafy…/a%20b?download=true`. */
  readonly url: string
  /** Names in lower case; `host` must be among them. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal
}

/** The response to send. */
export interface GatewayResponse {
  readonly status: number
  /** Names in lower case, values in printable ASCII. */
  readonly headers: Readonly<Record<string, string>>
  /**
   * The content; absent when there is none (HEAD, 304). A stream has been opened already: read it, or call `return` on its
   * iterator. It rejects when the content cannot be read further: then the connection must be cut, since the response
   * must not look complete.
   */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>
}

/** A header of a request as one text. */
export function headerOf(request: Pick<GatewayRequest, 'headers'>, name: string): string | undefined {
  const value = request.headers[name]
  return value === undefined || typeof value === 'string' ? value : value.join(', ')
}
