/** The Model Context Protocol at `/mcp`: streamable HTTP, the wires 2025-11-25 and 2026-07-28. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { OperationError } from '@ipfs-kit/operations'
import type { McpServerFactory } from '@modelcontextprotocol/server'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Identity } from './guard.ts'
import { createRunningCalls } from './mcp-cancel.ts'

/** What {@link mcpRoute} takes. */
export interface McpRouteOptions {
  /** Makes the MCP server of one request; `authInfo` has the scopes of who asks. */
  readonly createServer: McpServerFactory
  /** Tells who asks; throws a fault for who may not. */
  readonly identify: (request: FastifyRequest) => Identity
  /** Hears of what an answer of 500 does not explain. */
  readonly onError: (requestId: string, error: Error) => void
}

/** Bytes of one request; `storage_write` and `fs_write-file` take at most 1 MiB, which is 1.4 MiB as base64. */
export const maxMcpBytes = 4_194_304
const maxDroppedBytes = 16_777_216

/** Makes the plugin. The protocol's own handler answers everything behind the token, also wrong methods and types. */
export function mcpRoute(options: McpRouteOptions): FastifyPluginAsync {
  return async (app) => {
    // The handler tells of every refusal too, and not whose request it was.
    const causes = new AsyncLocalStorage<Error[]>()
    const onerror = (error: Error): void => {
      causes.getStore()?.push(error)
    }
    // The protocol is loaded when the first agent comes: a start does not wait for it.
    const open = async () => {
      const { createMcpHandler } = await import('@modelcontextprotocol/server')
      const { toNodeHandler } = await import('@modelcontextprotocol/node')
      const handler = createMcpHandler(options.createServer, { legacy: 'stateless', onerror })
      return { answer: toNodeHandler(handler, { onerror }), close: () => handler.close() }
    }
    let opening: ReturnType<typeof open> | undefined
    const running = createRunningCalls()
    const identities = new WeakMap<FastifyRequest, Identity>()
    app.addHook('onClose', async () => {
      const opened = await opening
      await opened?.close()
    })
    app.addContentTypeParser(
      'application/json',
      async (_request: FastifyRequest, payload: AsyncIterable<Buffer>) => parse(await readText(payload)),
    )
    app.all('/mcp', {
      onRequest: async (request) => {
        identities.set(request, options.identify(request))
        // Before the body is read, so that nothing comes between a call and its cancellation.
        await (opening ??= open())
      },
      handler: async (request, reply) => {
        const { id, scopes } = identities.get(request)!
        const { answer } = await opening!
        reply.hijack()
        running.take(request.headers, request.body, reply.raw)
        // The name of the token stands for it: its text stays out of reach of tools.
        const auth = { token: id, clientId: id, scopes: [...scopes] }
        const raw = Object.assign(request.raw, { auth }) as Parameters<typeof answer>[0]
        const body = isStream(request.body) ? undefined : request.body
        const heard: Error[] = []
        await causes.run(heard, () => answer(raw, reply.raw, body))
        if (reply.raw.statusCode === 500) for (const error of heard) options.onError(request.id, error)
      },
    })
  }
}

/**
 * The text of a body. What is above the limit is taken and dropped before it is refused, up to a second limit: who is
 * still sending when the connection is closed does not get to read why.
 *
 * @throws OperationError OPERATION_BODY_TOO_LARGE
 */
async function readText(payload: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of payload) {
    size += chunk.byteLength
    if (size <= maxMcpBytes) chunks.push(chunk)
    else if (size > maxDroppedBytes) break
  }
  if (size > maxMcpBytes) {
    throw new OperationError('OPERATION_BODY_TOO_LARGE', `A message has at most ${maxMcpBytes} bytes`)
  }
  return Buffer.concat(chunks).toString()
}

/** What is no JSON is no body: the protocol has its own answer to that. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A body of another type has not been read. */
function isStream(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'pipe' in body
}
