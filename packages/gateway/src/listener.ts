/** The adapter to `node:http`: writes responses with backpressure and ends the work of clients that go away. */
import type { RequestListener, ServerResponse } from 'node:http'
import { moveOnAfter, type Owner, type Scope, suspend, throwIfCancelled } from '@ipfs-kit/concurrency'
import { publishError } from './error-record.ts'
import type { GatewayRequest, GatewayResponse } from './exchange.ts'

/**
 * Makes the listener. Each request is a task of the owner; after its end connections are cut. A client that takes no
 * bytes for `stallTimeoutMs` while there are some for it is cut off.
 */
export function createListener(
  handle: (request: GatewayRequest) => Promise<GatewayResponse>,
  owner: Owner,
  stallTimeoutMs: number,
): RequestListener {
  return (incoming, outgoing) => {
    // Writing to a connection that has just been lost: `close` follows and ends the work.
    outgoing.on('error', () => {})
    if (owner.scope.cancelled) {
      outgoing.destroy()
      return
    }
    const { method = '', url = '', headers } = incoming
    const answer = async (task: Scope): Promise<void> => {
      try {
        const response = await handle({ method, url, headers, signal: task.signal })
        await send(response, outgoing, task, stallTimeoutMs)
      } catch (error) {
        if (!task.cancelled) publishError('', error)
        // The headers may be out: what is missing must not look like the end.
        outgoing.destroy()
      }
    }
    const task = owner.spawn(answer, { name: 'gateway request' })
    outgoing.on('close', () => {
      if (!outgoing.writableFinished) task.cancel('The client went away')
    })
  }
}

async function send(
  { status, headers, body }: GatewayResponse,
  outgoing: ServerResponse,
  scope: Scope,
  stallTimeoutMs: number,
): Promise<void> {
  outgoing.strictContentLength = outgoing.req.method !== 'HEAD'
  if (body === undefined || body instanceof Uint8Array) {
    outgoing.writeHead(status, headers).end(body)
    return
  }
  const chunks = body[Symbol.asyncIterator]()
  try {
    throwIfCancelled({ scope })
    outgoing.writeHead(status, headers)
    for (let step = await chunks.next(); step.done !== true; step = await chunks.next()) {
      throwIfCancelled({ scope })
      if (!outgoing.write(step.value) && !(await hasDrained(outgoing, stallTimeoutMs))) {
        scope.cancel(`The client took nothing for ${stallTimeoutMs} ms`)
        throwIfCancelled({ scope })
      }
    }
    outgoing.end()
  } finally {
    await chunks.return?.()
  }
}

/** Waits until the client has taken what there was for it; false if it does not in time. */
async function hasDrained(outgoing: ServerResponse, stallTimeoutMs: number): Promise<boolean> {
  const drain = (): Promise<true> =>
    suspend<true>(
      (resume) => {
        const onDrain = (): void => resume.resolve(true)
        outgoing.once('drain', onDrain)
        return () => {
          outgoing.off('drain', onDrain)
        }
      },
      { what: 'client that takes the answer' },
    )
  return (await moveOnAfter(stallTimeoutMs, drain)) ?? false
}
