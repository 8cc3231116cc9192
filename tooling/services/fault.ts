/** Faults of a server or a network, as the proxy makes them. */

/** What goes wrong with one request. Byte counts are of the body, without the headers. */
export type Fault =
  /** The proxy answers by itself; the server never sees the request. */
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string
    }
  /** The connection is reset when so many bytes of the body of the request have come. */
  | { readonly kind: 'cut-request'; readonly afterBytes: number }
  /** The server does its work, and the connection is reset before anything of its answer has gone. */
  | { readonly kind: 'lose-answer' }
  /** The server does its work, and the connection is reset when so many bytes of its body have gone. */
  | { readonly kind: 'cut-response'; readonly afterBytes: number }
  /** As `cut-response`, but the connection is closed in order: only the promised length tells that something lacks. */
  | { readonly kind: 'truncate'; readonly afterBytes: number }
  /** So many bytes go, and then nothing more, on a connection that stays open. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  /** The byte at this place of the answer is another one. The length is right. */
  | { readonly kind: 'flip'; readonly at: number }
  /** The same with a byte of the request. */
  | { readonly kind: 'flip-request'; readonly at: number }
  /** The body never ends, and its length is not told. */
  | { readonly kind: 'endless' }
  /** The body goes in pieces of so many bytes, with a pause before each. */
  | { readonly kind: 'slow'; readonly pieceBytes: number; readonly pauseMs: number }

/** The answer of a server that has too much to do: 503 `SlowDown`, or another status and code. */
export function busy({ status = 503, code = 'SlowDown', retryAfterSeconds = 0 } = {}): Fault {
  return {
    kind: 'answer',
    status,
    headers: { 'content-type': 'application/xml', 'retry-after': `${retryAfterSeconds}` },
    body: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>try later</Message></Error>`,
  }
}
