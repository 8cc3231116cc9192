/** One request on its way through an operation: its id, its signal, and what happens when its client falls silent. */
import { randomUUID } from 'node:crypto'
import type { Owner } from '@ipfs-kit/concurrency'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { newUpload } from './http-body.ts'
import type { Upload } from './http-body.ts'

/** What the adapter knows about a request that it answers. */
export interface HttpCall {
  readonly requestId: string
  /** Aborted when the client goes away, stalls too long, or the server closes. */
  readonly signal: AbortSignal
  readonly upload: Upload
  /** Whose tasks give the answer when the handler has returned. */
  readonly owner: Owner
  /** Cancels the work behind the request, with an error or because of the client. */
  cancel(reason: string | Error): void
}

/**
 * Opens the call of a request. The client's silence is bounded: `maxIdleMs` without a byte while the server waits for
 * bytes of the client, or for the client to take some, cancels the call. A slow operation is not silence.
 */
export function openCall(
  request: FastifyRequest,
  reply: FastifyReply,
  owner: Owner,
  maxIdleMs: number,
): HttpCall {
  const controller = new AbortController()
  const upload = newUpload()
  const cancel = (reason: string | Error): void =>
    controller.abort(typeof reason === 'string' ? new DOMException(reason, 'AbortError') : reason)
  const raw = reply.raw
  raw.once('close', () => {
    if (!raw.writableFinished) cancel('The client went away')
  })
  raw.setTimeout(maxIdleMs, () => {
    if (upload.waiting || raw.writableNeedDrain) {
      cancel(`The client was silent for ${maxIdleMs} ms`)
      if (raw.headersSent) raw.destroy()
    }
    // Fires once for each silence: the next one is counted anew.
    request.raw.socket.setTimeout(maxIdleMs)
  })
  return { requestId: randomUUID(), signal: controller.signal, upload, owner, cancel }
}
