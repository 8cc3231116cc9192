/** Goes on with something that a server tells over as many connections as it takes. */
import { moveOnAfter, random, sleep, suspend } from '@ipfs-kit/concurrency'
import { ClientError, clientError } from './errors.ts'

/** How following goes on when a connection is lost. */
export interface FollowOptions {
  readonly signal?: AbortSignal
  /** The longest wait before the first new connection, in milliseconds; it doubles with each that fails. Default 250. */
  readonly retryBaseMs?: number
  /** The longest wait before any of them. Default 30,000. */
  readonly retryMaxMs?: number
  /** New connections that may fail one after the other until the last failure is thrown. Default 20. */
  readonly retries?: number
  /** How long nothing may come until a connection is taken for lost, in milliseconds; a server tells something every 30,000. Default 90,000. */
  readonly quietMs?: number
}

/** Those of one connection. */
export interface Waiting {
  readonly signal: AbortSignal | undefined
  readonly quietMs: number
}

const defaults = { retryBaseMs: 250, retryMaxMs: 30_000, retries: 20, quietMs: 90_000 }

/**
 * What comes over one connection after the other. One that ends, or fails in a way that another may not, is followed by another.
 *
 * @param connect - makes a connection; it knows whether there was one before
 * @throws ClientError if the first connection cannot be made, if `retries` fail, and for what another one does not change
 */
export async function* overConnections<Told>(
  connect: (isAgain: boolean) => AsyncIterable<Told>,
  { signal, retryBaseMs, retryMaxMs, retries }: ReturnType<typeof checkFollowOptions>,
): AsyncGenerator<Told, void, undefined> {
  let isConnected = false
  for (let failures = 0; ;) {
    try {
      for await (const told of connect(isConnected)) {
        failures = 0
        isConnected = true
        yield told
      }
    } catch (error) {
      if (!isConnected || !isPassing(error) || failures >= retries) throw error
    }
    failures += 1
    const longestMs = Math.min(retryMaxMs, retryBaseMs * 2 ** (failures - 1))
    await sleep(random() * longestMs, { ...(signal && { signal }) })
  }
}

/** What comes over a connection, which is cut when nothing comes for too long. @throws ClientError; the reason of the signal */
export async function orLost<T>(
  work: () => Promise<T>,
  cut: () => void,
  { signal, quietMs }: Waiting,
): Promise<T> {
  const come = await moveOnAfter(quietMs, async () => {
    const value = await suspend<T>(
      ({ resolve, reject }) => {
        // waits: until the server sends something, or the connection is cut.
        work().then(resolve, reject)
        return () => {
          cut()
          return 'settles-later'
        }
      },
      { what: 'word of a server', ...(signal && { signal }) },
    )
    return { value }
  })
  if (come !== undefined) return come.value
  throw clientError('CLIENT_DISCONNECTED', `Nothing has come from the server for ${quietMs} ms`)
}

/** @param name - of what is called with them @throws TypeError, RangeError */
export function checkFollowOptions(options: FollowOptions, name: string) {
  const { signal, ...numbers } = options
  for (const [option, value] of Object.entries(numbers)) {
    if (!Object.hasOwn(defaults, option)) {
      throw new TypeError(
        `Unknown option ${option}: ${name} knows signal, ${Object.keys(defaults).join(', ')}`,
      )
    }
    if (value === undefined || (Number.isSafeInteger(value) && value >= 0 && value <= 86_400_000)) continue
    throw new RangeError(`${option} is a whole number from 0 to 86400000, not ${value}`)
  }
  const given = Object.entries(numbers).filter(([, value]) => value !== undefined)
  return { signal, ...defaults, ...(Object.fromEntries(given) as Partial<typeof defaults>) }
}

/** Whether another connection may do better: none was there, it was lost, or the server was closing or opening. */
function isPassing(error: unknown): boolean {
  return error instanceof ClientError && (error.kind === 'temporary' || error.kind === 'cancelled')
}
