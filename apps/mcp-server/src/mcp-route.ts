/** The Model Context Protocol at `/mcp`: streamable HTTP, the wires 2025-11-25 and 2026-07-28, without sessions. */
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, type McpServerFactory } from '@modelcontextprotocol/server'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Identity } from './guard.ts'

/** What {@link mcpRoute} takes. */
export interface McpRouteOptions {
  /** Makes the MCP server of one request; `authInfo` has the scopes of who asks. */
  readonly createServer: McpServerFactory
  /** Tells who asks; throws a fault for who may not. */
  readonly identify: (request: FastifyRequest) => Identity
  /** Hears of what failed outside of a tool. */
  readonly onError: (error: Error) => void
}

/** Makes the plugin. The protocol's own handler answers everything, also wrong methods and types; bodies end at 4 MiB. */
export function mcpRoute(options: McpRouteOptions): FastifyPluginAsync {
  return async (app) => {
    const handler = createMcpHandler(options.createServer, { legacy: 'stateless', onerror: options.onError })
    const answer = toNodeHandler(handler, { onerror: options.onError })
    app.addHook('onClose', () => handler.close())
    // The handler reads and bounds the body itself.
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    app.all('/mcp', async (request, reply) => {
      const { id, scopes } = options.identify(request)
      reply.hijack()
      // The name of the token stands for it: its text stays out of reach of tools.
      const auth = { token: id, clientId: id, scopes: [...scopes] }
      await answer(Object.assign(request.raw, { auth }) as Parameters<typeof answer>[0], reply.raw)
    })
  }
}
