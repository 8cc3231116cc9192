/** A request for content, parsed and followed to its place: what a responder answers. */
import type { Accepted } from './accept.ts'
import type { GatewayRequest, GatewayResponse } from './exchange.ts'
import type { GatewayIpfs } from './node.ts'
import type { Place } from './place.ts'
import type { Target } from './target.ts'

/** A request for content. */
export interface Ask {
  readonly request: GatewayRequest
  readonly target: Target
  readonly accepted: readonly Accepted[]
  readonly place: Place
  /** Entries that a listing shows at most. */
  readonly maxListingEntries: number
}

/** Answers a request in one format. For HEAD it gives the headers of GET and opens no content. */
export type Responder = (node: GatewayIpfs, ask: Ask) => Promise<GatewayResponse>

/** What a path under `/ipfs/` gives never changes. */
export const immutable = 'public, max-age=29030400, immutable'

/** The name that the user wants the content to have. */
export function wantedName(target: Target): string | undefined {
  return target.params.get('filename') || undefined
}

/** The last name of the path after the CID. */
export function pathName(target: Target): string | undefined {
  return target.names.length > 1 ? target.names.at(-1) : undefined
}
