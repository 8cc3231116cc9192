/** The Model Context Protocol at `/mcp`: streamable HTTP, the wires 2025-11-25 and 2026-07-28. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, type McpServerFactory } from '@modelcontextprotocol/server'
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

/** Bytes of one request; `storage_write` takes at most 1 MiB, which is 1.4 MiB as base64. */
export const maxMcpBytes = 4_194_304

/** Makes the plugin. The protocol's own handler answers everything behind the token, also wrong methods and types. */
export function mcpRoute(options: McpRouteOptions): FastifyPluginAsync {
  return async (app) => {
    // The handler tells of every refusal too, and not whose request it was.
    const causes = new AsyncLocalStorage<Error[]>()
    const onerror = (error: Error): void => void causes.getStore()?.push(error)
    const handler = createMcpHandler(options.createServer, { legacy: 'stateless', onerror })
    const answer = toNodeHandler(handler, { onerror })
    const running = createRunningCalls()
    const identities = new WeakMap<FastifyRequest, Identity>()
    app.addHook('onClose', () => handler.close())
    app.addContentTypeParser(
      'application/json',
      { parseAs: 'string', bodyLimit: maxMcpBytes },
      (_request, text, done) => done(null, parse(text as string)),
    )
    app.all('/mcp', {
      onRequest: async (request) => void identities.set(request, options.identify(request)),
      handler: async (request, reply) => {
        const { id, scopes } = identities.get(request)!
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
