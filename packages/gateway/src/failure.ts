/** The response for a fault: the same body as everywhere, as JSON or as text. */
import { randomUUID } from 'node:crypto'
import { answerOf, errorBody, type Fault } from '@ipfs-kit/operations'
import type { Accepted } from './accept.ts'
import { publishError } from './error-record.ts'
import { GatewayError } from './errors.ts'
import type { GatewayResponse } from './exchange.ts'

/**
 * Answers with a fault. JSON when the client names `application/json` among what it takes, else text. What an answer of
 * 500 does not explain is published.
 */
export function failure(fault: Fault, accepted: readonly Accepted[]): GatewayResponse {
  const requestId = randomUUID()
  const status = (fault instanceof GatewayError ? fault.status : undefined) ?? answerOf(fault.kind).status
  if (status === 500) publishError(requestId, fault.cause ?? fault)
  const body = errorBody(fault, requestId)
  const isJson = accepted.some(({ mediaType }) => mediaType === 'application/json')
  const text = isJson
    ? JSON.stringify(body)
    : `${status} ${body.code}\n${body.message}\n${body.next}\n\nRequest ${requestId}\n`
  const bytes = Buffer.from(text)
  return {
    status,
    headers: {
      ...(fault instanceof GatewayError ? fault.headers : {}),
      ...(body.retryable && { 'retry-after': '1' }),
      'content-type': isJson ? 'application/json' : 'text/plain; charset=utf-8',
      'content-length': String(bytes.byteLength),
      'cache-control': 'no-store',
      'x-request-id': requestId,
    },
    body: bytes,
  }
}
