/**
 * Cancelling on the wire 2025-11-25. Its clients send it as a request of its own that names the call, and each request
 * is served alone, so the call has to be found: clients get the name of a session in their handshake and repeat it.
 * Nothing is kept for a session but its running calls. (On 2026-07-28 a client closes the request that it gives up.)
 */
import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'

/** The running calls of one door. */
export interface RunningCalls {
  /** Notes a request, or cuts the answer that it cancels: that ends its work. */
  take(headers: IncomingHttpHeaders, body: unknown, response: ServerResponse): void
}

const sessionHeader = 'mcp-session-id'

/** Makes an empty list. */
export function createRunningCalls(): RunningCalls {
  const running = new Map<string, ServerResponse>()
  return {
    take(headers, body, response) {
      // Only a handshake of the older wire comes without the version that was agreed on.
      if (headers['mcp-protocol-version'] === undefined) response.setHeader(sessionHeader, randomUUID())
      const session = headers[sessionHeader]
      const { id, method, params } = (body ?? {}) as Partial<Record<'id' | 'method' | 'params', unknown>>
      if (typeof session !== 'string' || typeof method !== 'string') return
      if (method === 'notifications/cancelled') {
        const { requestId } = (params ?? {}) as { readonly requestId?: unknown }
        running.get(keyOf(session, requestId))?.destroy()
      } else if (id !== undefined) {
        const key = keyOf(session, id)
        running.set(key, response)
        response.once('close', () => {
          if (running.get(key) === response) running.delete(key)
        })
      }
    },
  }
}

/** 1 and "1" are different ids. */
function keyOf(session: string, id: unknown): string {
  return JSON.stringify([session, id])
}
