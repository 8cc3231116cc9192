/** The adapter to `node:http`: writes responses with backpressure and ends the work of clients that go away. */
import { once } from 'node:events'
import type { RequestListener, ServerResponse } from 'node:http'
import { publishError } from './error-record.ts'
import type { GatewayRequest, GatewayResponse } from './exchange.ts'

/** Makes the listener. A client that takes no bytes for `stallTimeoutMs` while there are some for it is cut off. */
export function createListener(
  handle: (request: GatewayRequest) => Promise<GatewayResponse>,
  stallTimeoutMs: number,
): RequestListener {
  return (incoming, outgoing) => {
    const gone = new AbortController()
    outgoing.on('close', () => {
      if (!outgoing.writableFinished) gone.abort(new DOMException('The client went away', 'AbortError'))
    })
    // Writing to a connection that has just been lost: `close` follows and ends the work.
    outgoing.on('error', () => {})
    const { method = '', url = '', headers } = incoming
    handle({ method, url, headers, signal: gone.signal })
      .then((response) => send(response, outgoing, gone.signal, stallTimeoutMs))
      .catch((error: unknown) => {
        if (!gone.signal.aborted) publishError('', error)
        // The headers may be out: what is missing must not look like the end.
        outgoing.destroy()
      })
  }
}

async function send(
  { status, headers, body }: GatewayResponse,
  outgoing: ServerResponse,
  signal: AbortSignal,
  stallTimeoutMs: number,
): Promise<void> {
  outgoing.strictContentLength = outgoing.req.method !== 'HEAD'
  if (body === undefined || body instanceof Uint8Array) {
    outgoing.writeHead(status, headers).end(body)
    return
  }
  const chunks = body[Symbol.asyncIterator]()
  try {
    signal.throwIfAborted()
    outgoing.writeHead(status, headers)
    for (let step = await chunks.next(); step.done !== true; step = await chunks.next()) {
      signal.throwIfAborted()
      if (!outgoing.write(step.value)) await drained(outgoing, signal, stallTimeoutMs)
    }
    outgoing.end()
  } finally {
    await chunks.return?.()
  }
}

async function drained(outgoing: ServerResponse, signal: AbortSignal, stallTimeoutMs: number): Promise<void> {
  const stalled = setTimeout(() => outgoing.destroy(), stallTimeoutMs)
  try {
    await once(outgoing, 'drain', { signal })
  } finally {
    clearTimeout(stalled)
  }
}
