/** The gateway: from a request to a response, and mounted on a Node server. */
import { createOwner } from '@ipfs-kit/concurrency'
import { isFault, toFault } from '@ipfs-kit/operations'
import type { RequestListener } from 'node:http'
import { parseAccept } from './accept.ts'
import { GatewayError } from './errors.ts'
import { type GatewayRequest, type GatewayResponse, headerOf } from './exchange.ts'
import { failure } from './failure.ts'
import { negotiate } from './formats.ts'
import { createHostCheck } from './host.ts'
import { createListener } from './listener.ts'
import type { GatewayIpfs } from './node.ts'
import { locate, type Place } from './place.ts'
import { parseTarget, type Target } from './target.ts'

/** Limits of a gateway. */
export interface GatewayLimits {
  /** Entries that the listing of a folder shows; 1 to 1,000,000. Default 10,000. */
  readonly maxListingEntries?: number
  /** Bytes of path and query; 64 to 1,048,576. Default 16,384. */
  readonly maxUrlBytes?: number
  /** How long `listener` waits for a client that takes no more bytes, in milliseconds; 1 to 86,400,000. Default 60,000. */
  readonly stallTimeoutMs?: number
}

/** What {@link createGateway} takes. */
export interface GatewayOptions {
  /** The node, or a function that gives the node of the moment: what it throws is the answer of that request. */
  readonly ipfs: GatewayIpfs | (() => GatewayIpfs)
  /** Host names without port that are served besides `localhost`, `127.0.0.1`, `[::1]` and `*.localhost`. Default none. */
  readonly hosts?: readonly string[]
  readonly limits?: GatewayLimits
}

/** A gateway. Its only state are the requests that `listener` answers now. */
export interface Gateway extends AsyncDisposable {
  /** Answers a request. Never rejects: every failure is a response, until the body is read. */
  readonly handle: (request: GatewayRequest) => Promise<GatewayResponse>
  /** The same as a listener of `node:http` and of whatever takes one. */
  readonly listener: RequestListener
  /**
   * Cancels the requests of `listener` and waits until their work has ended. An answer that is on its way is cut, and so
   * are connections that come later. Idempotent. Close the server first.
   */
  close(): Promise<void>
}

const defaults = { maxListingEntries: 10_000, maxUrlBytes: 16_384, stallTimeoutMs: 60_000 } as const
const bounds = {
  maxListingEntries: [1, 1_000_000],
  maxUrlBytes: [64, 1_048_576],
  stallTimeoutMs: [1, 86_400_000],
} as const

/**
 * Makes a gateway over a node.
 *
 * @throws TypeError for an unknown option or a host that is not a host name
 * @throws RangeError for a limit out of its bounds
 */
export function createGateway(options: GatewayOptions): Gateway {
  refuseUnknown(options, ['ipfs', 'hosts', 'limits'])
  const limits = checkedLimits(options.limits ?? {})
  const isServed = createHostCheck(options.hosts ?? [])
  const { ipfs } = options
  const nodeNow = typeof ipfs === 'function' ? ipfs : () => ipfs

  async function respond(request: GatewayRequest): Promise<GatewayResponse> {
    const target = parseTarget(request.url, limits.maxUrlBytes)
    const host = target.authority ?? headerOf(request, 'host')
    if (!isServed(host)) {
      throw new GatewayError(
        'GATEWAY_HOST',
        `This gateway does not serve the host ${JSON.stringify(host ?? '')}`,
      )
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      throw new GatewayError('GATEWAY_METHOD', `The gateway does not take ${request.method}`, {
        headers: { allow: 'GET, HEAD' },
      })
    }
    checkNamespace(target)
    const accepted = parseAccept(headerOf(request, 'accept'))
    const { respond: responder, ownQuery } = negotiate(target, accepted)
    const node = nodeNow()
    const place = await locate(node.files, target.names, request.signal)
    const response = await responder(node, {
      request,
      target,
      accepted,
      place,
      maxListingEntries: limits.maxListingEntries,
    })
    return { ...response, headers: { ...placeHeaders(target, place, ownQuery), ...response.headers } }
  }

  async function handle(request: GatewayRequest): Promise<GatewayResponse> {
    let response: GatewayResponse
    try {
      response = await respond(request)
    } catch (error) {
      response = failure(toFault(notCached(request, error)), parseAccept(headerOf(request, 'accept')))
    }
    const { body, ...rest } = { ...response, headers: { ...everywhere, ...response.headers } }
    return request.method === 'HEAD' || body === undefined ? rest : { ...rest, body }
  }

  const owner = createOwner({ name: 'gateway' })
  const close = (): Promise<void> => owner.close('The gateway is closing')
  return {
    handle,
    listener: createListener(handle, owner, limits.stallTimeoutMs),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Content is neither guessed to be of another type nor embedded by pages of other sites, which could so find out what is here. */
const everywhere = { 'x-content-type-options': 'nosniff', 'cross-origin-resource-policy': 'same-site' }

/** What is said of every content, whatever its format. */
function placeHeaders(target: Target, place: Place, ownQuery: string | undefined): Record<string, string> {
  const headers: Record<string, string> = {
    'x-ipfs-path': target.endsInSlash ? `${target.path}/` : target.path,
  }
  if (place.roots !== undefined) headers['x-ipfs-roots'] = place.roots.join(',')
  if (!target.params.has('format')) headers['vary'] = 'Accept'
  if (ownQuery !== undefined) headers['content-location'] = `${target.path}${ownQuery}`
  return headers
}

function checkNamespace({ namespace, names }: Target): void {
  if (namespace === 'ipns') {
    throw new GatewayError(
      'GATEWAY_IPNS',
      'This gateway serves /ipfs/<cid>; it does not resolve /ipns/ names yet',
    )
  }
  if (namespace !== 'ipfs') {
    throw new GatewayError(
      'GATEWAY_ROUTE',
      'This is an IPFS gateway; it serves /ipfs/<cid> and /ipfs/<cid>/<path>',
    )
  }
  if (names.length === 0) throw new GatewayError('GATEWAY_PATH', 'The path /ipfs/ has no CID')
}

/** A block that is missing is a failed condition when the client wanted only what is here. */
function notCached(request: GatewayRequest, error: unknown): unknown {
  const isMissing = isFault(error) && error.code === 'IPFS_BLOCK_NOT_FOUND'
  if (!isMissing || !/\bonly-if-cached\b/i.test(headerOf(request, 'cache-control') ?? '')) return error
  return new GatewayError('GATEWAY_NOT_CACHED', error.message, { cause: error })
}

function checkedLimits(limits: GatewayLimits): Required<GatewayLimits> {
  refuseUnknown(limits, Object.keys(defaults))
  const checked = { ...defaults, ...limits }
  for (const [name, [least, most]] of Object.entries(bounds)) {
    const value = checked[name as keyof GatewayLimits]
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new RangeError(`${name} is an integer from ${least} to ${most}, not ${value}`)
    }
  }
  return checked
}

function refuseUnknown(options: object, known: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (!known.includes(key))
      throw new TypeError(`There is no option ${JSON.stringify(key)}; the known ones are ${known.join(', ')}`)
  }
}
