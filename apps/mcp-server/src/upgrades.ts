/** Requests that become a WebSocket: they take the way of every request, through the same checks, until a route takes them over. */
import type { IncomingMessage, RequestListener } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Upgrades } from './listen.ts'

const { ServerResponse } = process.getBuiltinModule('node:http')

/** A connection whose request has been read. */
export interface Upgrade {
  readonly socket: Duplex
  /** What came behind the request. */
  readonly head: Buffer
}

/** The upgrades of one path. */
export interface SocketUpgrades {
  /** The connection of a request, for the route that answers it from now on; undefined if it is a plain one. */
  take(request: IncomingMessage): Upgrade | undefined
  /** For the listener. @param route - where requests go */
  through(route: RequestListener): Upgrades
}

/** Makes the upgrades of a path. */
export function createUpgrades(path: string): SocketUpgrades {
  const waiting = new WeakMap<IncomingMessage, Upgrade & { readonly release: () => void }>()
  return {
    take(request) {
      const upgrade = waiting.get(request)
      upgrade?.release()
      return upgrade
    },
    through: (route) => ({
      accepts: ({ method, url, headers }) =>
        method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && url?.split('?', 1)[0] === path,
      handle(request, socket, head) {
        // Nobody else listens to it until a route has it.
        const onError = (): void => {
          socket.destroy()
        }
        socket.on('error', onError)
        const response = new ServerResponse(request)
        response.shouldKeepAlive = false
        response.assignSocket(socket as Parameters<typeof response.assignSocket>[0])
        // An answer in place of the upgrade ends the connection.
        response.once('finish', () => socket.end())
        waiting.set(request, {
          socket,
          head,
          release() {
            response.detachSocket(socket as Parameters<typeof response.detachSocket>[0])
            socket.off('error', onError)
          },
        })
        route(request, response)
      },
    }),
  }
}
