/** Answers a request: values, faults, and bytes with backpressure. */
import { Readable } from 'node:stream'
import { checkpoint, moveOnAfter, shield, suspend } from '@ipfs-kit/concurrency'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { publishFault } from './error-channel.ts'
import { answerOf, errorBody, OperationError, toFault } from './errors.ts'
import type { Fault } from './errors.ts'
import type { HttpCall } from './http-call.ts'
import type { AnyOperation, BytesResult } from './operation.ts'

/** What is dropped of a body that nobody wanted, so that its sender gets to read the answer. */
const lingerMs = 1_000
const lingerBytes = 16_777_216

/** Turns what was thrown into the fault to show, and publishes what the fault does not show. */
export function faultOf(error: unknown, requestId: string, name: string): Fault {
  const fault = toFault(error)
  publishFault(fault, requestId, name)
  return fault
}

/**
 * Checks an output against its schema and writes it as JSON. A key that the schema does not know is a defect like any
 * other mismatch: it would be missing in the OpenAPI document and in the client's types.
 *
 * @throws `OPERATION_INTERNAL`
 */
export function outputJson(entry: AnyOperation, output: unknown): string {
  const text: string | undefined = JSON.stringify(output)
  const parsed = entry.output.safeParse(output)
  // The schema has dropped what it does not know, so its copy is shorter then.
  if (parsed.success && text !== undefined && JSON.stringify(parsed.data).length === text.length) return text
  const problem = parsed.success ? 'it has keys that the schema does not know' : parsed.error.message
  throw new OperationError('OPERATION_INTERNAL', 'The operation failed unexpectedly', {
    cause: new TypeError(`The output of ${entry.name} does not match its schema: ${problem}`),
  })
}

/** Sends JSON whose sender may still be busy with a body that nobody reads. */
export async function sendJson(
  request: FastifyRequest,
  reply: FastifyReply,
  text: string,
): Promise<FastifyReply> {
  reply.header('content-type', 'application/json; charset=utf-8')
  if (await isReceived(request)) return reply.send(text)
  reply.header('connection', 'close').header('content-length', Buffer.byteLength(text))
  return reply.send(Readable.from(withLinger(text, request)))
}

/** Sends the body of an error. */
export function sendFault(
  request: FastifyRequest,
  reply: FastifyReply,
  fault: Fault,
  requestId: string,
  status: number = answerOf(fault.kind).status,
): Promise<FastifyReply> {
  return sendJson(request, reply.code(status), JSON.stringify(errorBody(fault, requestId)))
}

/** Sends bytes. The first piece is taken before the headers go out, so that an early failure has its own status. */
export async function sendBytes(
  request: FastifyRequest,
  reply: FastifyReply,
  call: HttpCall,
  entry: AnyOperation,
  result: BytesResult,
): Promise<FastifyReply> {
  const pieces = result.body[Symbol.asyncIterator]()
  const head = request.method === 'HEAD'
  const first = head ? undefined : await pieces.next()
  if (first !== undefined)
    checkSize(entry, result.size, first.done === true ? 0 : first.value.length, first.done === true)
  reply.header('content-type', result.mediaType).header('x-operation-returns', 'bytes')
  // Stored content must never act as a page of this origin.
  reply.header('content-security-policy', "default-src 'none'; sandbox")
  if (result.size !== undefined) reply.header('content-length', result.size)
  if (!(await isReceived(request))) reply.header('connection', 'close')
  if (first !== undefined) return reply.send(Readable.from(counted(first, pieces, call, entry, result.size)))
  await pieces.return?.()
  call.cancel('Only the headers were asked for')
  return reply.send()
}

async function* counted(
  first: IteratorResult<Uint8Array>,
  pieces: AsyncIterator<Uint8Array>,
  call: HttpCall,
  entry: AnyOperation,
  size: number | undefined,
): AsyncGenerator<Uint8Array> {
  let total = 0
  let step = first
  try {
    while (step.done !== true) {
      total += step.value.length
      checkSize(entry, size, total, false)
      yield step.value
      step = await pieces.next()
    }
    checkSize(entry, size, total, true)
  } catch (error) {
    throw faultOf(error, call.requestId, entry.name)
  } finally {
    if (step.done !== true) await pieces.return?.()
  }
}

/** A body of another size than promised would pass for the next answer on the connection, or leave its reader waiting. */
function checkSize(entry: AnyOperation, size: number | undefined, total: number, ended: boolean): void {
  if (size === undefined || (ended ? total === size : total <= size)) return
  throw new Error(`${entry.name} promised ${size} bytes and gave ${total}`)
}

/** Whether the whole request has arrived, so that the connection can go on with the next one. */
export async function isReceived(request: FastifyRequest): Promise<boolean> {
  // Injected requests do not say, and are always whole.
  if (request.raw.complete !== false || isBodiless(request)) return true
  // The parser hands out the body before it sees that the message ends with it. A cancelled call is answered too.
  await shield(() => checkpoint())
  return request.raw.complete
}

function isBodiless(request: FastifyRequest): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers
  return encoding === undefined && (length === undefined || length === '0')
}

/**
 * Holds the end of an answer back until the sender has stopped, for a second at most: closing at once would reset the
 * connection, and the answer with it.
 */
export async function linger(request: FastifyRequest): Promise<void> {
  const source = request.raw
  let dropped = 0
  source.on('data', (chunk: Uint8Array) => {
    dropped += chunk.length
    if (dropped > lingerBytes) source.pause()
  })
  const stopped = (): Promise<void> =>
    suspend<void>(
      (resume) => {
        const end = (): void => resume.resolve()
        source.on('end', end).on('close', end).on('error', end).resume()
        if (source.readableEnded || source.destroyed) end()
        return () => {
          source.off('end', end).off('close', end)
        }
      },
      { what: 'end of a body that nobody wants' },
    )
  await moveOnAfter(lingerMs, stopped, { shield: true })
}

async function* withLinger(text: string, request: FastifyRequest): AsyncGenerator<string> {
  yield text
  await linger(request)
}
