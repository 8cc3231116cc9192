/** Clients that follow the log of operations of a server. */
import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import { type ClientOptions, WebSocket } from 'ws'
import type { Site } from './serving.ts'

/** A client and what it was sent. */
export interface Follower {
  readonly socket: WebSocket
  /** Messages that were received, pings left out. */
  readonly received: any[]
  send(message: unknown): void
  /** Waits for a message, also one that was received already. */
  next(isMeant: (message: any) => boolean): Promise<any>
  /** Resolves to the code with which it was closed. */
  readonly closed: Promise<number>
}

/** Opens a WebSocket with the token in its header. */
export async function follow(site: Site, options: ClientOptions = {}): Promise<Follower> {
  const headers = { authorization: `Bearer ${site.token}` }
  const socket = new WebSocket(socketUrl(site), { headers, ...options })
  return await followerOf(socket)
}

/** A client that has been connected. */
export async function followerOf(socket: WebSocket): Promise<Follower> {
  onTestFinished(() => socket.terminate())
  const received: any[] = []
  const waiting = new Set<(message: any) => void>()
  socket.on('message', (data: Buffer) => {
    const message: unknown = JSON.parse(data.toString())
    received.push(message)
    for (const look of waiting) look(message)
  })
  const closed = new Promise<number>((resolve) => socket.once('close', resolve))
  await once(socket, 'open')
  return {
    socket,
    received,
    closed,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    next: (isMeant) =>
      new Promise((resolve) => {
        const look = (message: any): void => {
          if (!isMeant(message)) return
          waiting.delete(look)
          resolve(message)
        }
        const found = received.find(isMeant)
        if (found === undefined) waiting.add(look)
        else resolve(found)
      }),
  }
}

/** How many follow the log of a server through its doors. */
export function followersOf(site: Site): number {
  return site.server.kit.wal.stats().followers
}

/** The address of the WebSocket. */
export function socketUrl(site: Pick<Site, 'port'>): string {
  return `ws://127.0.0.1:${site.port}/api/v1/wal/ws`
}

/** Promises operations that are not begun in this millennium. Their ids. */
export async function promise(site: Site, count = 1): Promise<number[]> {
  const ids: number[] = []
  for (let left = count; left > 0; left -= 1000) {
    const notBefore = Date.parse('3000-01-01T00:00:00Z')
    const one = { type: 'custom:migrate', params: {}, notBefore } as const
    const appended = await site.server.kit.wal.appendMany(
      Array.from({ length: Math.min(left, 1000) }, () => one),
    )
    ids.push(...appended.map(({ operation }) => operation.id))
  }
  return ids
}
